using System.Text.RegularExpressions;

namespace LlmAspire.Api.Chat.Groups;

/// <summary>Says whether an answer is good enough to win a race. Safe to use from several threads.</summary>
internal sealed class AnswerCheck
{
    public const int MaxPatternCharacters = 500;

    /// <summary>The model ended by itself: it was neither cut off nor stopped.</summary>
    private const string Complete = "stop";

    private readonly int _minCharacters;
    private readonly string? _contains;
    private readonly Regex? _pattern;

    /// <exception cref="ArgumentException">The pattern is no regular expression.</exception>
    /// <exception cref="NotSupportedException">It is one that may take more than linear time.</exception>
    public AnswerCheck(RaceCheck? check)
    {
        (_minCharacters, _contains) = (Math.Max(check?.MinCharacters ?? 1, 1), check?.Contains);
        _pattern = check?.Pattern is { } pattern ? new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant) : null;
    }

    public bool Passes(string? finishReason, string text) =>
        finishReason == Complete
        && text.Trim().Length >= _minCharacters
        && (_contains is null || text.Contains(_contains, StringComparison.Ordinal))
        && _pattern?.IsMatch(text) != false;
}
