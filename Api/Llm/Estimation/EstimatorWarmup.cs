namespace LlmAspire.Api.Llm.Estimation;

/// <summary>Loads the estimator once the service has started: the first estimate should not be the one that waits.</summary>
internal sealed class EstimatorWarmup(UsageEstimator estimator, IHostApplicationLifetime lifetime) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stoppingToken.IsCancellationRequested)
        {
            estimator.Load();
        }
    }
}
