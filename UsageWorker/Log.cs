namespace LlmAspire.UsageWorker;

internal static partial class Log
{
    [LoggerMessage(LogLevel.Information, "Ingested {Ingested} events ({Repeated} were there before, {Rejected} rejected)")]
    public static partial void Ingested(this ILogger logger, int ingested, int repeated, int rejected);

    [LoggerMessage(LogLevel.Warning, "Ingestion was interrupted, trying again in {Wait}; the events are in the inbox")]
    public static partial void IngestionInterrupted(this ILogger logger, Exception exception, TimeSpan wait);
}
