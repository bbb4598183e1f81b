using LlmAspire.Usage;

namespace LlmAspire.Api.Llm;

/// <summary>
/// On whose behalf, and what for, the gateway is called. It is ambient: <see cref="UsageAccountingHandler"/> refuses a
/// call without one, so no call escapes the ledger. Safe to use from several threads.
/// </summary>
public sealed class CallContext
{
    private static readonly AsyncLocal<CallContext?> Ambient = new();

    private readonly Lock _lock = new();
    private readonly List<Task<SettledCall>> _calls = [];
    private UsageOutcome? _cancelledAs;

    /// <summary>The context of the current flow of control; null outside <see cref="Enter"/>.</summary>
    public static CallContext? Current => Ambient.Value;

    public required Guid UserId { get; init; }

    public required Guid OrgId { get; init; }

    /// <summary>The personal API key that was used; null for a signed-in user.</summary>
    public Guid? ApiKeyId { get; init; }

    /// <summary>What the user asked for; one request may need several calls.</summary>
    public required Guid RequestId { get; init; }

    public Guid? ConversationId { get; init; }

    public required UsageOperation Operation { get; init; }

    /// <summary>The alias that the caller asked for.</summary>
    public required string ModelAlias { get; init; }

    /// <summary>The tokens that the organisation may use in a month; null for any number.</summary>
    public long? AllowanceLimit { get; init; }

    /// <summary>How the calls were cancelled; null while they were not.</summary>
    public UsageOutcome? CancelledAs
    {
        get
        {
            lock (_lock)
            {
                return _cancelledAs;
            }
        }
    }

    /// <summary>Makes this the current context until the result is disposed.</summary>
    public IDisposable Enter()
    {
        var outer = Ambient.Value;
        Ambient.Value = this;
        return new Scope(outer);
    }

    /// <summary>
    /// Says why the cancellation that follows happens; the token alone does not tell a stop from a lost client, nor from
    /// the SDK's own time-out. The first reason stays.
    /// </summary>
    /// <param name="outcome"><see cref="UsageOutcome.Stopped"/> or <see cref="UsageOutcome.Disconnected"/>.</param>
    public void MarkCancelled(UsageOutcome outcome)
    {
        lock (_lock)
        {
            _cancelledAs ??= outcome;
        }
    }

    /// <summary>
    /// Ends when every call made so far is settled and durable, in the order in which they were opened. A call settles at
    /// the latest when its answer is disposed.
    /// </summary>
    /// <exception cref="LedgerUnavailableException">When one of them could not be made durable in time.</exception>
    public Task<SettledCall[]> WhenSettledAsync()
    {
        lock (_lock)
        {
            return Task.WhenAll(_calls);
        }
    }

    internal void Add(Task<SettledCall> call)
    {
        lock (_lock)
        {
            _calls.Add(call);
        }
    }

    private sealed class Scope(CallContext? outer) : IDisposable
    {
        public void Dispose() => Ambient.Value = outer;
    }
}
