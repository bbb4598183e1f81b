using LlmAspire.Usage;

namespace LlmAspire.Api.Tests;

/// <summary>Keeps the opened calls in memory; can refuse.</summary>
internal sealed class RecordingOpener : ICallOpener
{
    private readonly Lock _lock = new();
    private readonly List<OpenCall> _calls = [];

    public IReadOnlyList<OpenCall> Calls
    {
        get
        {
            lock (_lock)
            {
                return [.. _calls];
            }
        }
    }

    /// <summary>What every open ends with; null when calls are opened.</summary>
    public LedgerUnavailableException? Refusal { get; set; }

    public Action? OnOpen { get; set; }

    /// <summary>An open ends when this does.</summary>
    public Task Opening { get; set; } = Task.CompletedTask;

    public Task OpenAsync(OpenCall call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        OnOpen?.Invoke();
        if (Refusal is { } refusal)
        {
            return Task.FromException(refusal);
        }

        lock (_lock)
        {
            _calls.Add(call);
        }

        return Opening;
    }
}
