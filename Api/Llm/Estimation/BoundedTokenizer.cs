using Microsoft.ML.Tokenizers;

namespace LlmAspire.Api.Llm.Estimation;

/// <summary>
/// Counts tokens at a cost that is bounded, whatever the text: encoders take a time that is the square of a run without a break, so long runs are
/// cut; and of a long text a sample is encoded. Thread-safe.
/// </summary>
internal sealed class BoundedTokenizer(Tokenizer tokenizer)
{
    /// <summary>UTF-16 code units that are encoded at most, but for a piece, in one count.</summary>
    public const int Sample = 64 * 1024;

    /// <summary>UTF-16 code units without white space that are encoded at once. No word of a language is longer, and a cut costs a token at most.</summary>
    public const int LongestRun = 200;

    /// <summary>UTF-16 code units that are encoded, or left out, together.</summary>
    public const int Piece = 2_000;

    private long _encoded;

    /// <summary>UTF-16 code units that were encoded so far.</summary>
    public long Encoded => Interlocked.Read(ref _encoded);

    /// <summary>Begins to count a text that comes in parts.</summary>
    /// <param name="length">A bound on the UTF-16 code units of all parts together; it says how much of them is encoded.</param>
    public TokenCount Begin(long length) => new(this, Math.Max(1, (length + Sample - 1) / Sample));

    /// <summary>Counts one text.</summary>
    public long Count(string text)
    {
        var count = Begin(text.Length);
        count.Add(text);
        return count.Total;
    }

    /// <summary>Encodes a piece of a text.</summary>
    internal long Encode(ReadOnlySpan<char> piece)
    {
        Interlocked.Add(ref _encoded, piece.Length);
        long tokens = 0;
        var run = 0;
        for (var i = 0; i < piece.Length; i++)
        {
            run = char.IsWhiteSpace(piece[i]) ? 0 : run + 1;
            if (run == LongestRun)
            {
                tokens += tokenizer.CountTokens(piece[..(i + 1)]);
                piece = piece[(i + 1)..];
                (i, run) = (-1, 0);
            }
        }

        return piece.IsEmpty ? tokens : tokens + tokenizer.CountTokens(piece);
    }
}
