using LlmAspire.Usage;

namespace LlmAspire.UsageWorker.Ingestion;

public static class IngestionExtensions
{
    /// <summary>Adds the worker that moves events from the inbox into the ledger.</summary>
    public static TBuilder AddIngestion<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddUsageIngestion();
        builder.Services.AddOptions<IngestionOptions>().BindConfiguration("Ingestion");
        builder.Services.AddSingleton<IngestionTelemetry>();
        builder.Services.AddLedgerWork<IngestionWorker>();
        return builder;
    }
}
