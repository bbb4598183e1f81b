namespace LlmAspire.Usage;

/// <summary>Opens calls before a provider is called. Safe to call from any thread.</summary>
public interface ICallOpener
{
    /// <summary>
    /// Reserves the call's tokens and writes it to <c>open_call</c>, in one transaction. Ends when that is durable; from then on the call has
    /// to be settled with <see cref="IUsageEventWriter"/>, or its row will be an interrupted one. While PostgreSQL is away a call is
    /// opened in the spool, for callers that were seen shortly before and within their allowance for outages.
    /// </summary>
    /// <exception cref="AllowanceExceededException">The call must not be made: its organisation could use more than <see cref="OpenCall.AllowanceLimit"/>.</exception>
    /// <exception cref="LedgerUnavailableException">The call must not be made: nothing could take it, or nobody may be admitted now.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled before it began. Later it is not heeded: what may be open has to be settled.</exception>
    Task OpenAsync(OpenCall call, CancellationToken cancellationToken);
}
