using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>Reports every few seconds that this process lives and which calls it runs, so that the sweeper leaves them alone.</summary>
internal sealed class LivenessReporter(
    NpgsqlDataSource source,
    ILedgerReadiness readiness,
    RunningCalls running,
    IOptions<DurabilityOptions> options,
    TimeProvider time,
    ILogger<LivenessReporter> logger) : BackgroundService
{
    private const string Report = """
        INSERT INTO ledger.api_instance AS instance (id, host, open_calls) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET reported_at = now(), open_calls = excluded.open_calls
        """;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await readiness.WhenReadyAsync(stoppingToken);
        var failed = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ReportAsync(stoppingToken);
                failed = false;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                if (!failed && PostgresErrors.IsAway(exception))
                {
                    logger.NotReportedYet(PostgresErrors.Reason(exception));
                }
                else if (!failed)
                {
                    logger.NotReported(exception);
                }

                failed = true;
            }

            await Task.Delay(options.Value.LivenessInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReportAsync(CancellationToken cancellationToken)
    {
        // A report that takes longer than it is worth would be late news.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.LivenessInterval + options.Value.PostgresPatience);
        await using var command = source.CreateCommand(Report);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = running.InstanceId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Environment.MachineName });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = running.Ids() });
        await command.ExecuteNonQueryAsync(patience.Token);
    }
}
