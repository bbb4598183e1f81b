using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Llm;

/// <summary>
/// The calls that run, those included that nobody waits for any more. When the service is told to stop they may go on for a while; then they are cut,
/// and the service lasts until each is settled. Safe to use from any thread.
/// </summary>
internal sealed class ActiveCalls(IHostApplicationLifetime lifetime, IOptions<AccountingOptions> options, TimeProvider time) : IHostedService, IDisposable
{
    private readonly ConcurrentDictionary<Guid, ProviderCall> _calls = new();
    private ITimer? _cut;
    private int _drains;

    public int Count => _calls.Count;

    /// <summary>Unwanted answers that are being read on.</summary>
    public int Drains => Volatile.Read(ref _drains);

    public bool IsStopping => lifetime.ApplicationStopping.IsCancellationRequested;

    public void Add(ProviderCall call)
    {
        _calls[call.Id] = call;
        _ = RemoveWhenSettledAsync(call);
    }

    /// <summary>Whether one more unwanted answer may be read on. If so, <see cref="EndDrain"/> has to be called at its end.</summary>
    /// <param name="isStreamed">A plain answer is read on in any case: LiteLLM does not cancel its provider when we leave, so the tokens are spent.</param>
    public bool TryBeginDrain(bool isStreamed)
    {
        if (IsStopping || isStreamed && options.Value.OnStop != OnStop.Drain)
        {
            return false;
        }

        if (Interlocked.Increment(ref _drains) > options.Value.MaxDrains)
        {
            EndDrain();
            return false;
        }

        return true;
    }

    public void EndDrain() => Interlocked.Decrement(ref _drains);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // Not in StopAsync: the server waits for its requests before that, and these for their answers.
        lifetime.ApplicationStopping.Register(() =>
            _cut = time.CreateTimer(_ => CutAll(), null, options.Value.ShutdownGrace, Timeout.InfiniteTimeSpan));
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // The writers are told to stop after this. What is still read for its usage alone has its grace too.
        await Task.WhenAll(_calls.Values.Select(call => call.Ended)).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        CutAll();
    }

    public void Dispose() => _cut?.Dispose();

    private void CutAll()
    {
        foreach (var call in _calls.Values)
        {
            call.Cut(GatewayFailure.ServerStopping);
        }
    }

    private async Task RemoveWhenSettledAsync(ProviderCall call)
    {
        await call.Ended;
        _calls.TryRemove(call.Id, out _);
    }
}
