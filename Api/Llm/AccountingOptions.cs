namespace LlmAspire.Api.Llm;

/// <summary>How calls are accounted for: section <c>Usage</c>, which the ledger's writers read too.</summary>
public sealed class AccountingOptions
{
    public const string Section = "Usage";

    /// <summary>What becomes of the provider's call when nobody wants its answer any more.</summary>
    public OnStop OnStop { get; set; } = OnStop.Cancel;

    /// <summary>For how long at most an unwanted answer is read on.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How many unwanted answers at most are read on at once; those beyond are cancelled.</summary>
    public int MaxDrains { get; set; } = 64;

    /// <summary>How long a call may last in all, however much comes: then it is ended, and settles itself.</summary>
    public TimeSpan MaxDuration { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long the end of an answer waits for its usage to be durable.</summary>
    public TimeSpan SettleTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long running answers may go on when the service is told to stop. Shorter than the host's shutdown time-out, as they are settled after it.</summary>
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromSeconds(20);

    internal const string WhatIsPossible =
        "Usage:OnStop must be Cancel or Drain; Usage:DrainTimeout, Usage:MaxDuration, Usage:SettleTimeout and Usage:ShutdownGrace must be longer than zero; Usage:MaxDrains must not be negative.";

    internal bool IsPossible =>
        Enum.IsDefined(OnStop) && DrainTimeout > TimeSpan.Zero && MaxDuration > TimeSpan.Zero && SettleTimeout > TimeSpan.Zero && ShutdownGrace > TimeSpan.Zero && MaxDrains >= 0;
}

/// <summary>What a stop, or a client that left, does to the call of a provider.</summary>
public enum OnStop
{
    /// <summary>Closes it: the row is an estimate of what came, and the provider may have made more.</summary>
    Cancel,

    /// <summary>Reads on to the provider's own usage: the row is exact, and the tokens are spent.</summary>
    Drain,
}
