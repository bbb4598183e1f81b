using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Usage;

/// <summary>Says when the schema of a context is there. Safe to call from any thread.</summary>
public class SchemaReadiness<TContext>
    where TContext : DbContext
{
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsReady => _ready.Task.IsCompletedSuccessfully;

    /// <summary>Ends when the schema is there.</summary>
    public Task WhenReadyAsync(CancellationToken cancellationToken) => _ready.Task.WaitAsync(cancellationToken);

    internal void SetReady() => _ready.TrySetResult();
}
