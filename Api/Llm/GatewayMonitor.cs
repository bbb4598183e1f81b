using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Llm;

/// <summary>
/// Waits for the gateway after the start, and from then on keeps the model list fresh. While the gateway is away it asks
/// again soon; the list stays as it was.
/// </summary>
internal sealed partial class GatewayMonitor(
    GatewayClient gateway, ModelCatalog catalog, IOptions<GatewayOptions> options, TimeProvider time, ILogger<GatewayMonitor> logger)
    : BackgroundService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var snapshot = await gateway.LoadCatalogAsync(stoppingToken);
                if (failures > 0 || !catalog.IsLoaded)
                {
                    LogReached(logger, options.Value.Root, snapshot.Models.Count);
                    WarnOfMissingModels(snapshot);
                }

                catalog.Replace(snapshot);
                failures = 0;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // Also what nobody expects of an answer, such as a name with half a character: it must not end the process.
                catalog.MarkStale();
                // Once aloud; a gateway takes a while to start, and each attempt looks the same.
                LogAway(logger, failures == 0 ? LogLevel.Warning : LogLevel.Debug, options.Value.Root, exception.Message);
                failures++;
            }

            await Task.Delay(failures == 0 ? options.Value.CatalogRefresh : Pause(failures), time, stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Doubles up to a limit, less up to a half at random, so that replicas do not ask in step.</summary>
    private static TimeSpan Pause(int failures)
    {
        var longest = Math.Min(FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 10)), LongestPause.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(longest * (0.5 + (Random.Shared.NextDouble() / 2)));
    }

    private void WarnOfMissingModels(CatalogSnapshot snapshot)
    {
        foreach (var (setting, model) in new[] { ("LLM_MODEL_CHAT", options.Value.ChatModel), ("LLM_MODEL_PROMPT_GEN", options.Value.PromptModel) })
        {
            if (!snapshot.Models.Any(known => known.Id == model))
            {
                LogMissingModel(logger, setting, model);
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "The gateway at {Gateway} serves {Count} models.")]
    private static partial void LogReached(ILogger logger, Uri gateway, int count);

    [LoggerMessage("Waiting for the gateway at {Gateway}: {Reason}")]
    private static partial void LogAway(ILogger logger, LogLevel level, Uri gateway, string reason);

    [LoggerMessage(LogLevel.Warning, "{Setting} names the model {Model}, which the gateway does not serve.")]
    private static partial void LogMissingModel(ILogger logger, string setting, string model);
}
