namespace LlmAspire.Usage;

/// <summary>Says when the ledger's schema is there. Safe to call from any thread.</summary>
public interface ILedgerReadiness
{
    bool IsReady { get; }

    /// <summary>Ends when the schema is there.</summary>
    Task WhenReadyAsync(CancellationToken cancellationToken);
}
