namespace LlmAspire.Api.Llm.Estimation;

/// <summary>Loads the estimator once the service has started: the first estimate should not be the one that waits.</summary>
internal sealed partial class EstimatorWarmup(UsageEstimator estimator, IHostApplicationLifetime lifetime, ILogger<EstimatorWarmup> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                estimator.Load();
            }
            catch (Exception exception)
            {
                // Calls go on without it: an estimate is then what its bytes say.
                LogFailed(logger, exception);
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "The tokenizer could not be loaded: tokens that a provider does not tell are estimated from bytes.")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
