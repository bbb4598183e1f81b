using Microsoft.Extensions.Logging;

namespace LlmAspire.Usage;

internal static partial class Log
{
    [LoggerMessage(LogLevel.Information, "The ledger's schema is ready")]
    public static partial void LedgerReady(this ILogger logger);

    [LoggerMessage(LogLevel.Information, "The ledger is not ready yet ({Reason}), trying again in {Wait}")]
    public static partial void LedgerNotReadyYet(this ILogger logger, string reason, TimeSpan wait);

    [LoggerMessage(LogLevel.Error, "The ledger's schema cannot be brought up to date, trying again in {Wait}")]
    public static partial void LedgerCannotBeMigrated(this ILogger logger, Exception exception, TimeSpan wait);

    [LoggerMessage(LogLevel.Information, "Created database {Database}")]
    public static partial void DatabaseCreated(this ILogger logger, string database);

    [LoggerMessage(LogLevel.Warning, "{Count} usage events wait in memory: PostgreSQL does not take them, trying again in {Wait}")]
    public static partial void InboxAway(this ILogger logger, Exception exception, int count, TimeSpan wait);

    [LoggerMessage(LogLevel.Information, "PostgreSQL takes usage events again")]
    public static partial void InboxBack(this ILogger logger);

    [LoggerMessage(LogLevel.Warning, "The raw usage of event {EventId} is no JSON for PostgreSQL, stored as text ({Reason})")]
    public static partial void RawUsageStoredAsText(this ILogger logger, Guid eventId, string reason);

    [LoggerMessage(LogLevel.Critical, "Usage event {EventId} was not written before the shutdown's deadline. It is: {UsageEvent}")]
    public static partial void EventNotWritten(this ILogger logger, Guid eventId, string usageEvent);

    [LoggerMessage(LogLevel.Error, "Usage event rejected, kept in usage_rejected: {Reason} (SQLSTATE {SqlState}, inbox id {InboxId})")]
    public static partial void EventRejected(this ILogger logger, string reason, string sqlState, long inboxId);

    [LoggerMessage(LogLevel.Information, "Created the partition of {Month}")]
    public static partial void PartitionCreated(this ILogger logger, string month);
}
