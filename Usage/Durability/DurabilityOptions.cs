namespace LlmAspire.Usage;

/// <summary>How calls and events are made durable: section <c>Usage</c>.</summary>
public sealed class DurabilityOptions
{
    public const string Section = "Usage";

    /// <summary>How long PostgreSQL may take for a batch before the spool takes it. Not waited for while PostgreSQL is known to be away.</summary>
    public TimeSpan PostgresPatience { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How often this process reports that it lives, and which calls it runs. Well below the sweeper's grace.</summary>
    public TimeSpan LivenessInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Tokens that the callers of one organisation may reserve with this process while PostgreSQL does not take their calls, in any <see cref="OutageWindow"/>: however often it comes and
    /// goes. Within what their plan had left when it was last there.
    /// </summary>
    public long OutageAllowance { get; set; } = 1_000_000;

    /// <summary>See <see cref="OutageAllowance"/>.</summary>
    public TimeSpan OutageWindow { get; set; } = TimeSpan.FromHours(1);

    /// <summary>For how long a caller who was served is remembered, and admitted while PostgreSQL is away.</summary>
    public TimeSpan CallerMemory { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How often PostgreSQL is asked whether it is back.</summary>
    public TimeSpan ProbeInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often in a row it must answer then.</summary>
    public int AnswersUntilBack { get; set; } = 2;

    /// <summary>How long an event may wait in the inbox before this process is degraded: the worker is silent.</summary>
    public TimeSpan IngestionPatience { get; set; } = TimeSpan.FromSeconds(30);

    internal const string WhatIsPossible =
        "Usage:PostgresPatience, Usage:LivenessInterval, Usage:CallerMemory, Usage:OutageWindow, Usage:IngestionPatience and Usage:ProbeInterval must be longer than zero; "
        + "Usage:AnswersUntilBack must be at least 1; Usage:OutageAllowance must not be negative.";

    internal bool IsPossible =>
        new[] { PostgresPatience, LivenessInterval, CallerMemory, OutageWindow, IngestionPatience, ProbeInterval }.All(time => time > TimeSpan.Zero)
        && AnswersUntilBack >= 1 && OutageAllowance >= 0;
}
