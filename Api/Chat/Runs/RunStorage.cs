namespace LlmAspire.Api.Chat.Runs;

/// <summary>Stores the new events of all runs of this process together, several times a second.</summary>
internal sealed partial class RunStorage(ChatRuns runs, TimeProvider time, ILogger<RunStorage> logger) : BackgroundService
{
    /// <summary>What a crash can cost of an answer; readers of this process do not wait for it.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(150);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(CancellationToken.None) && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Task.WhenAll(runs.All.Where(run => !run.IsOver).Select(run => run.StoreAsync(stoppingToken)));
                runs.RemoveEnded();
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // What is left is stored with the ends of the runs.
            }
            catch (Exception exception)
            {
                LogNotStored(logger, exception);
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "Events of runs could not be stored")]
    private static partial void LogNotStored(ILogger logger, Exception exception);
}
