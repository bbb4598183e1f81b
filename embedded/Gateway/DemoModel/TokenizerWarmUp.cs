namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>Loads the vocabulary once the gateway listens, so that neither its start nor its first answer waits for it.</summary>
internal sealed class TokenizerWarmUp(IHostApplicationLifetime lifetime) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        Tokenizer.Load();
    }
}
