using LlmAspire.Usage;
using Microsoft.Extensions.Options;

namespace LlmAspire.UsageWorker.Reconciliation;

/// <summary>
/// Compares the days that are due with the gateway's spend logs, and the ledger with invoices, at the start and again and again. Any number of workers may run; one of them does it. That the
/// logs cannot be read is a state, not a failure: it is kept for the Api and said once.
/// </summary>
internal sealed class ReconciliationWorker(
    SpendLogClient gateway,
    Reconciler reconciler,
    ReconciliationReport report,
    ReconciliationMetrics metrics,
    LedgerState ledger,
    TimeProvider time,
    IOptions<ReconciliationOptions> options,
    ILogger<ReconciliationWorker> logger) : PeriodicLedgerWork(ledger, time, options.Value.Interval)
{
    private const int MostDifferences = 1000;

    private readonly TimeProvider _time = time;
    private string? _problem;

    protected override async Task DoAsync(CancellationToken stoppingToken)
    {
        var today = DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime);
        var invoices = await report.ReadInvoicesAsync(today.AddDays(-options.Value.InvoiceDaysBack), today.AddDays(1), options.Value.Threshold, stoppingToken);
        metrics.SetInvoices(ReconciliationTotals.Of(invoices));
        await using (var session = await reconciler.TryBeginAsync(stoppingToken))
        {
            if (session is not null)
            {
                await NoticeAsync(session, invoices, stoppingToken);
                await WorkAsync(session, stoppingToken);
            }
        }

        metrics.SetGateway(await reconciler.ReadTotalsAsync(today.AddDays(-options.Value.DaysBack), options.Value.Threshold, stoppingToken));
    }

    private async Task NoticeAsync(ReconciliationSession session, IReadOnlyList<ReconciliationRow> invoices, CancellationToken cancellationToken)
    {
        foreach (var row in await session.NoticeInvoicesAsync([.. invoices.Where(row => row.AboveThreshold)], _time.GetUtcNow(), cancellationToken))
        {
            logger.InvoiceDrift(row.Day, row.Provider, row.Model, row.DriftTokens, row.DriftShare, row.DriftCostUsd);
        }
    }

    protected override void Failed(Exception exception, TimeSpan wait)
    {
        if (exception is not SpendLogsException)
        {
            logger.ReconciliationInterrupted(exception, wait);
        }
    }

    private async Task WorkAsync(ReconciliationSession session, CancellationToken cancellationToken)
    {
        try
        {
            if (options.Value.BaseUrl is null)
            {
                throw new SpendLogsException(GatewayProblem.NotConfigured, "LLM_BASE_URL is not set.");
            }

            await gateway.ProbeAsync(_time.GetUtcNow(), cancellationToken);
            foreach (var day in await session.ReadDueAsync(
                _time.GetUtcNow(), options.Value.Delay, options.Value.DaysBack, options.Value.Interval, cancellationToken))
            {
                await CompareAsync(session, day, cancellationToken);
            }

            await SaveAsync(session, null, cancellationToken);
        }
        catch (SpendLogsException exception)
        {
            await SaveAsync(session, exception, cancellationToken);
            if (exception.Problem == GatewayProblem.Unreachable)
            {
                // It may be starting, and is asked again soon. What else is wrong needs somebody to change it.
                throw;
            }
        }
    }

    private async Task CompareAsync(ReconciliationSession session, DueDay day, CancellationToken cancellationToken)
    {
        await session.BeginDayAsync(cancellationToken);
        // The gateway begins with a call later than the Api opens it, and clocks differ.
        await foreach (var logs in gateway.ReadAsync(day.From - SpendLogReader.Margin, day.Until + SpendLogReader.Margin, cancellationToken))
        {
            await session.AddAsync(logs, cancellationToken);
        }

        foreach (var model in await session.CompareAsync(day, _time.GetUtcNow(), MostDifferences, cancellationToken))
        {
            if (model.IsNew && model.Share > options.Value.Threshold)
            {
                logger.Drift(day.Day, model.Provider, model.Model, model.DifferingTokens, model.Share);
            }
        }
    }

    private async Task SaveAsync(ReconciliationSession session, SpendLogsException? exception, CancellationToken cancellationToken)
    {
        if (exception is not null && exception.Problem != _problem)
        {
            logger.SpendLogsNotRead(exception.Problem, exception.Message);
        }
        else if (exception is null && _problem is not null)
        {
            logger.SpendLogsReadAgain();
        }

        _problem = exception?.Problem;
        await session.SaveStateAsync(_problem, options.Value.Threshold, _time.GetUtcNow(), cancellationToken);
    }
}
