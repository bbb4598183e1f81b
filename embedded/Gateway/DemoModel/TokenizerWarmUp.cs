namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>
/// Loads the vocabulary when the gateway has been up for a while: half a second of a core that neither its own start nor that of the services which wait for it
/// has to share. A question that comes earlier loads it itself.
/// </summary>
internal sealed class TokenizerWarmUp(TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan AfterStart = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Delay(AfterStart, time, stoppingToken);
        Tokenizer.Load();
    }
}
