using LlmAspire.Usage;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>Takes records of runs for good. Safe to call from any thread.</summary>
internal interface IRunJournal
{
    /// <summary>Ends when the record is durable, in PostgreSQL or on this machine's disk. Those of one run are written in the order of the calls.</summary>
    /// <exception cref="LedgerUnavailableException">The service is stopping, or the record can never be written.</exception>
    Task WriteAsync(RunRecord record, CancellationToken cancellationToken);
}
