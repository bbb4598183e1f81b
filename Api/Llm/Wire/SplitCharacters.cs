namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// Characters whose surrogate pair was cut between two chunks, <c>{"content":"\ud83d"}</c> and <c>{"content":"\ude00"}</c>: the first half waits for the second. Not thread-safe.
/// </summary>
internal sealed class SplitCharacters
{
    private readonly Dictionary<(int Choice, string Field), char> _held = [];

    /// <summary>Whether no half waits.</summary>
    public bool IsEmpty => _held.Count == 0;

    /// <summary>The text with the half that waited for it, without the half that it ends with. A half that stays alone is U+FFFD.</summary>
    /// <param name="field">Where in the choice the text stands.</param>
    public string Join(int choice, string field, string text)
    {
        if (text.Length == 0)
        {
            return text;
        }

        if (_held.Remove((choice, field), out var half))
        {
            text = half + text;
        }

        if (char.IsHighSurrogate(text[^1]))
        {
            _held[(choice, field)] = text[^1];
            text = text[..^1];
        }

        return JsonText.WithoutHalves(text);
    }

    /// <summary>The choice has ended.</summary>
    /// <returns>What stands for the half that waited; empty when none did.</returns>
    public string End(int choice, string field) => _held.Remove((choice, field)) ? JsonText.Replacement.ToString() : "";
}
