namespace LlmAspire.Api.Retention;

/// <summary>How long the Api keeps what, section <c>Retention</c>.</summary>
internal sealed class RetentionOptions
{
    public const string Section = "Retention";

    public const string WhatIsPossible =
        "Retention:RunEvents must be 0 to 365 days, Retention:Invitations and Retention:ApiKeys 0 to 36500 days, and Retention:Interval positive.";

    /// <summary>How long after the end of an answer its events are kept as they were stored. Then they are one row: the same events, with the same ids.</summary>
    public TimeSpan RunEvents { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long an invitation is kept after it was used or has expired.</summary>
    public TimeSpan Invitations { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long an API key is kept after it was revoked or has expired: its owner still sees it in the list.</summary>
    public TimeSpan ApiKeys { get; set; } = TimeSpan.FromDays(90);

    /// <summary>The time between two looks.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromMinutes(5);

    public bool IsPossible => IsWithin(RunEvents, 365) && IsWithin(Invitations, 36_500) && IsWithin(ApiKeys, 36_500) && Interval > TimeSpan.Zero;

    private static bool IsWithin(TimeSpan kept, int mostDays) => kept >= TimeSpan.Zero && kept <= TimeSpan.FromDays(mostDays);
}
