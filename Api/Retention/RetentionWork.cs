using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Data;
using LlmAspire.Usage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Api.Retention;

/// <summary>Deletes rows that are no longer kept, and folds the stored events of answers, again and again. Any number of processes may do it.</summary>
internal sealed partial class RetentionWork(
    NpgsqlDataSource source,
    SchemaReadiness<TenantContext> schema,
    RunFolding runs,
    IOptions<RetentionOptions> options,
    TimeProvider time,
    ILogger<RetentionWork> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.WhenReadyAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await DoAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                if (PostgresErrors.IsAway(exception))
                {
                    LogWaits(logger, PostgresErrors.Reason(exception));
                }
                else
                {
                    LogFailed(logger, exception);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(options.Value.Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task DoAsync(CancellationToken cancellationToken)
    {
        var (now, kept) = (time.GetUtcNow(), options.Value);
        await runs.FoldAsync(kept.RunEvents, cancellationToken);
        await OldRows.RemoveAsync(
            source, TenantTables.Invitations, now - kept.Invitations, removed => LogInvitations(logger, removed, kept.Invitations.TotalDays), cancellationToken);
        await OldRows.RemoveAsync(
            source, TenantTables.ApiKeys, now - kept.ApiKeys, removed => LogApiKeys(logger, removed, kept.ApiKeys.TotalDays), cancellationToken);
    }

    [LoggerMessage(LogLevel.Information, "Deleted {Count} invitations that were used or had expired more than {Days} days ago (Retention:Invitations)")]
    private static partial void LogInvitations(ILogger logger, long count, double days);

    [LoggerMessage(LogLevel.Information, "Deleted {Count} API keys that were revoked or had expired more than {Days} days ago (Retention:ApiKeys)")]
    private static partial void LogApiKeys(ILogger logger, long count, double days);

    [LoggerMessage(LogLevel.Information, "Old rows are not deleted now: PostgreSQL does not answer ({Reason})")]
    private static partial void LogWaits(ILogger logger, string reason);

    [LoggerMessage(LogLevel.Warning, "Old rows could not be deleted; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
