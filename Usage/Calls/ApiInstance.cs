namespace LlmAspire.Usage;

/// <summary>A row of <c>ledger.api_instance</c>: a process that makes calls says that it lives, and which calls it runs.</summary>
public sealed class ApiInstance
{
    /// <summary>Made anew at each start of a process.</summary>
    public Guid Id { get; init; }

    /// <summary>The machine's name, for people.</summary>
    public required string Host { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    /// <summary>PostgreSQL's time of the last report.</summary>
    public DateTimeOffset ReportedAt { get; init; }

    /// <summary>Calls whose usage is not in the inbox yet: they run, or their usage waits in memory or in the spool.</summary>
    public required Guid[] OpenCalls { get; init; }
}
