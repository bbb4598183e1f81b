using Microsoft.Extensions.Logging;

namespace LlmAspire.Usage;

internal static partial class Log
{
    [LoggerMessage(LogLevel.Information, "The schema of {Name} is ready")]
    public static partial void SchemaReady(this ILogger logger, string name);

    [LoggerMessage(LogLevel.Information, "The schema of {Name} is not ready yet ({Reason}); trying until it is")]
    public static partial void SchemaNotReadyYet(this ILogger logger, string name, string reason);

    [LoggerMessage(LogLevel.Error, "The schema of {Name} cannot be brought up to date, trying again in {Wait}")]
    public static partial void SchemaCannotBeMigrated(this ILogger logger, Exception exception, string name, TimeSpan wait);

    [LoggerMessage(LogLevel.Information, "Created database {Database}")]
    public static partial void DatabaseCreated(this ILogger logger, string database);

    [LoggerMessage(LogLevel.Warning, "PostgreSQL does not answer: calls and events go to the spool ({Reason})")]
    public static partial void PostgresAway(this ILogger logger, string reason);

    [LoggerMessage(LogLevel.Warning, "PostgreSQL answers, but a statement waits for longer than {Patience} ({Reason}): its data go to the spool. See pg_stat_activity and pg_locks")]
    public static partial void PostgresBusy(this ILogger logger, TimeSpan patience, string reason);

    [LoggerMessage(LogLevel.Error, "PostgreSQL refuses {Count} events: they go to the spool")]
    public static partial void InboxRefuses(this ILogger logger, Exception exception, int count);

    [LoggerMessage(LogLevel.Information, "PostgreSQL answers again, after {Away}")]
    public static partial void PostgresBack(this ILogger logger, TimeSpan away);

    [LoggerMessage(LogLevel.Error, "Neither PostgreSQL nor the spool takes events: {Count} wait in memory, no call may be made, trying again in {Wait}")]
    public static partial void NothingTakesEvents(this ILogger logger, Exception exception, int count, TimeSpan wait);

    [LoggerMessage(LogLevel.Error, "{Count} calls could not be opened")]
    public static partial void NotOpened(this ILogger logger, Exception exception, int count);

    [LoggerMessage(LogLevel.Error, "{Count} calls could not be opened: PostgreSQL is away, and the spool takes nothing")]
    public static partial void NotSpooled(this ILogger logger, Exception exception, int count);

    [LoggerMessage(LogLevel.Warning, "This process cannot report that it lives, as PostgreSQL is away ({Reason}); it tries until it can")]
    public static partial void NotReportedYet(this ILogger logger, string reason);

    [LoggerMessage(LogLevel.Warning, "This process could not report that it lives")]
    public static partial void NotReported(this ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Information, "Sent {Count} entries of the spool to PostgreSQL")]
    public static partial void SpoolReplayed(this ILogger logger, int count);

    [LoggerMessage(LogLevel.Warning, "Took up the spool {Path} of a process that is gone: {Settled} events sent, {Interrupted} calls interrupted")]
    public static partial void SpoolAdopted(this ILogger logger, string path, int settled, int interrupted);

    [LoggerMessage(LogLevel.Critical, "Usage event {EventId} can be written nowhere: its call is left to the sweeper")]
    public static partial void EventUnwritable(this ILogger logger, Exception exception, Guid eventId);

    [LoggerMessage(LogLevel.Warning, "A measurement failed")]
    public static partial void NotMeasured(this ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Warning, "The spool could not be sent to PostgreSQL, {Count} entries wait; trying again")]
    public static partial void NotReplayed(this ILogger logger, Exception exception, int count);

    [LoggerMessage(LogLevel.Warning, "The spool waits for PostgreSQL ({Reason}) with {Count} entries; trying until it answers")]
    public static partial void ReplayWaits(this ILogger logger, int count, string reason);

    [LoggerMessage(
        LogLevel.Error,
        "The spool {Path} cannot be emptied. What is left in it is kept, and holds up no other; it is tried again in {Wait}. Look at the reason: a newer version may have to take it up")]
    public static partial void SpoolHeld(this ILogger logger, Exception exception, string path, TimeSpan wait);

    [LoggerMessage(LogLevel.Critical, "A spool is broken; what was in it may be lost. It was kept as {Path}")]
    public static partial void SpoolBroken(this ILogger logger, Exception exception, string path);

    [LoggerMessage(LogLevel.Warning, "The raw usage of event {EventId} is no JSON for PostgreSQL, stored as text ({Reason})")]
    public static partial void RawUsageStoredAsText(this ILogger logger, Guid eventId, string reason);

    [LoggerMessage(LogLevel.Critical, "Usage event {EventId} was not written before the shutdown's deadline. It is: {UsageEvent}")]
    public static partial void EventNotWritten(this ILogger logger, Guid eventId, string usageEvent);

    [LoggerMessage(LogLevel.Error, "Usage event rejected, kept in usage_rejected: {Reason} (SQLSTATE {SqlState}, inbox id {InboxId})")]
    public static partial void EventRejected(this ILogger logger, string reason, string sqlState, long inboxId);

    [LoggerMessage(LogLevel.Information, "Created the partition of {Month}")]
    public static partial void PartitionCreated(this ILogger logger, string month);
}
