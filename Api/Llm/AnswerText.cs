using System.Text;

namespace LlmAspire.Api.Llm;

/// <summary>What an answer said, thought and called, kept for an estimate. Beyond a limit only its length is. Not thread-safe.</summary>
internal sealed class AnswerText
{
    /// <summary>UTF-16 code units that are kept: more than most models can answer.</summary>
    public const int Limit = 256 * 1024;

    private readonly StringBuilder _text = new();

    /// <summary>All UTF-16 code units that came.</summary>
    public long Length { get; private set; }

    public void Append(ReadOnlySpan<char> text)
    {
        Length += text.Length;
        _text.Append(text[..Math.Min(text.Length, Limit - _text.Length)]);
    }

    /// <summary>The beginning of the text.</summary>
    public override string ToString() => _text.ToString();
}
