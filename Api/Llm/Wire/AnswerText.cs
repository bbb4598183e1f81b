using System.Text;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>What an answer said, thought and called, kept for an estimate. Beyond a limit only its length is. Not thread-safe.</summary>
internal sealed class AnswerText
{
    /// <summary>UTF-16 code units that are kept: more than most models can answer.</summary>
    public const int Limit = 256 * 1024;

    /// <summary>ASCII characters that no tokenizer puts into one token, over a text: prose has four to five.</summary>
    private const int MostAsciiPerToken = 8;

    private const char MaxAscii = '\x7f';

    /// <summary>A code unit that is not ASCII is a token more often than not: it weighs as much as half a token of ASCII.</summary>
    private const int WeightBeyondAscii = 4;

    private readonly StringBuilder _text = new();

    /// <summary>All UTF-16 code units that came.</summary>
    public long Length { get; private set; }

    public void Append(ReadOnlySpan<char> text)
    {
        Length += text.Length;
        _text.Append(text[..Math.Min(text.Length, Limit - _text.Length)]);
    }

    /// <summary>Adds what was said after it.</summary>
    public void Append(AnswerText later)
    {
        var length = Length + later.Length;
        foreach (var piece in later._text.GetChunks())
        {
            Append(piece.Span);
        }

        Length = length;
    }

    /// <summary>
    /// Whether so many tokens are enough for the text, by its length alone. Where it is, nobody need count; where it is not, the count decides. Takes no time worth mentioning.
    /// </summary>
    public bool IsWithin(long tokens)
    {
        var bound = tokens * MostAsciiPerToken;
        return Length * WeightBeyondAscii <= bound || Length <= bound && Length + ((WeightBeyondAscii - 1) * CountBeyondAscii()) <= bound;
    }

    /// <summary>The beginning of the text.</summary>
    public override string ToString() => _text.ToString();

    private long CountBeyondAscii()
    {
        long count = 0;
        foreach (var piece in _text.GetChunks())
        {
            if (!Ascii.IsValid(piece.Span))
            {
                foreach (var unit in piece.Span)
                {
                    count += unit > MaxAscii ? 1 : 0;
                }
            }
        }

        return count;
    }
}
