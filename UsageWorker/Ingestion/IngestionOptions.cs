namespace LlmAspire.UsageWorker.Ingestion;

/// <summary>Settings of the ingestion, section <c>Ingestion</c>.</summary>
internal sealed class IngestionOptions
{
    /// <summary>How often the inbox is looked at without a notification: one can be lost with its connection.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(5);
}
