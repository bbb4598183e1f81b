namespace LlmAspire.UsageWorker;

internal static partial class Log
{
    [LoggerMessage(LogLevel.Information, "Ingested {Ingested} events ({Replaced} replaced interrupted rows, {Repeated} were there before, {Rejected} rejected)")]
    public static partial void Ingested(this ILogger logger, int ingested, int replaced, int repeated, int rejected);

    [LoggerMessage(LogLevel.Warning, "Ingestion was interrupted, trying again in {Wait}; the events are in the inbox")]
    public static partial void IngestionInterrupted(this ILogger logger, Exception exception, TimeSpan wait);

    [LoggerMessage(LogLevel.Warning, "Gave up {Count} open calls that nobody runs any more, from {First} to {Last}: they are interrupted rows")]
    public static partial void Swept(this ILogger logger, int count, Guid first, Guid last);

    [LoggerMessage(LogLevel.Warning, "The sweep was interrupted, trying again in {Wait}")]
    public static partial void SweepInterrupted(this ILogger logger, Exception exception, TimeSpan wait);

    [LoggerMessage(LogLevel.Information, "Dropped the rows of {Partitions}: {Months} months are kept")]
    public static partial void PartitionsDropped(this ILogger logger, string partitions, int months);

    [LoggerMessage(LogLevel.Information, "Old months are not dropped now: somebody reads the ledger")]
    public static partial void PartitionsInUse(this ILogger logger);

    [LoggerMessage(LogLevel.Warning, "Old months could not be dropped, trying again in {Wait}")]
    public static partial void RetentionInterrupted(this ILogger logger, Exception exception, TimeSpan wait);

    [LoggerMessage(LogLevel.Warning, "Deleted {Count} events that could not be booked and were rejected more than {Days} days ago (Retention:RejectedEvents)")]
    public static partial void RejectedEventsRemoved(this ILogger logger, long count, double days);

    [LoggerMessage(LogLevel.Information, "Deleted the comparisons of {Count} days with the gateway's logs, older than {Days} days (Retention:Comparisons)")]
    public static partial void ComparisonsRemoved(this ILogger logger, long count, double days);

    [LoggerMessage(LogLevel.Warning, "Old rows could not be deleted, trying again in {Wait}")]
    public static partial void OldRowsNotRemoved(this ILogger logger, Exception exception, TimeSpan wait);

    [LoggerMessage(LogLevel.Information, "The roll-ups of {Count} days are by the day now: they are older than {Days} days (Retention:HourlyRollups), and their rows were dropped")]
    public static partial void HoursFolded(this ILogger logger, int count, double days);

    [LoggerMessage(LogLevel.Warning, "Roll-ups by the hour could not be made roll-ups by the day, trying again in {Wait}")]
    public static partial void HoursNotFolded(this ILogger logger, Exception exception, TimeSpan wait);

    [LoggerMessage(LogLevel.Information, "Added up the roll-ups of {Days} days")]
    public static partial void DaysAddedUp(this ILogger logger, int days);

    [LoggerMessage(LogLevel.Warning, "Days could not be added up, trying again in {Wait}")]
    public static partial void RollupsInterrupted(this ILogger logger, Exception exception, TimeSpan wait);

    [LoggerMessage(LogLevel.Information, "{Changes} prices of the gateway have changed: revision {Revision}")]
    public static partial void PricesChanged(this ILogger logger, int changes, long revision);

    [LoggerMessage(LogLevel.Information, "The gateway does not answer yet ({Reason}): its prices are asked for until it does. The last ones stay in force")]
    public static partial void WaitingForPrices(this ILogger logger, string reason);

    [LoggerMessage(LogLevel.Warning, "The gateway's prices cannot be read ({Reason}); trying again until they can. The last ones stay in force")]
    public static partial void PricesNotRead(this ILogger logger, string reason);

    [LoggerMessage(LogLevel.Warning, "The gateway's prices could not be taken over, trying again in {Wait}. The last ones stay in force")]
    public static partial void PricesNotTakenOver(this ILogger logger, Exception exception, TimeSpan wait);

    [LoggerMessage(LogLevel.Information, "The gateway's prices can be read again")]
    public static partial void PricesReadAgain(this ILogger logger);

    [LoggerMessage(LogLevel.Information, "LLM_BASE_URL is not set: prices are not taken over from a gateway")]
    public static partial void NoGatewayForPrices(this ILogger logger);

    [LoggerMessage(EventId = 5001, EventName = "Drift", Level = LogLevel.Warning,
        Message = "On {Day} (UTC) {Tokens} tokens of {Provider} {Model} differ between the ledger and the gateway's spend logs, {Share:P2} of all; see GET /reconciliation/differences")]
    public static partial void Drift(this ILogger logger, DateOnly day, string provider, string model, long tokens, decimal share);

    [LoggerMessage(EventId = 5002, EventName = "SpendLogsNotRead", Level = LogLevel.Information,
        Message = "The ledger is not compared with the gateway's spend logs ({Problem}): {Reason} They are asked for again and again")]
    public static partial void SpendLogsNotRead(this ILogger logger, string problem, string reason);

    [LoggerMessage(EventId = 5003, EventName = "SpendLogsReadAgain", Level = LogLevel.Information, Message = "The gateway's spend logs can be read")]
    public static partial void SpendLogsReadAgain(this ILogger logger);

    [LoggerMessage(EventId = 5004, EventName = "InvoiceDrift", Level = LogLevel.Warning,
        Message = "On {Day} (UTC) the ledger and the invoice of {Provider} {Model} differ: by {Tokens} tokens, {Share:P2} of all, and {CostUsd} USD (ledger less invoice; null: it has no price); see GET /reconciliation?source=invoice")]
    public static partial void InvoiceDrift(this ILogger logger, DateOnly day, string? provider, string? model, long tokens, decimal share, decimal? costUsd);

    [LoggerMessage(LogLevel.Warning, "The comparison with the gateway's spend logs was interrupted, trying again in {Wait}")]
    public static partial void ReconciliationInterrupted(this ILogger logger, Exception exception, TimeSpan wait);

    [LoggerMessage(LogLevel.Warning, "PostgreSQL does not answer ({Reason}): all work waits for it")]
    public static partial void PostgresAway(this ILogger logger, string reason);

    [LoggerMessage(LogLevel.Information, "PostgreSQL answers again, after {Away}")]
    public static partial void PostgresBack(this ILogger logger, TimeSpan away);

    [LoggerMessage(LogLevel.Warning, "What waits in the ledger could not be read, trying again in {Wait}")]
    public static partial void BacklogNotRead(this ILogger logger, Exception exception, TimeSpan wait);
}
