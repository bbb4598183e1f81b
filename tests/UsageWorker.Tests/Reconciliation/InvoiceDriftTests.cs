using System.Globalization;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using LlmAspire.UsageWorker.Reconciliation;
using Microsoft.Extensions.Logging;

namespace LlmAspire.UsageWorker.Tests.Reconciliation;

/// <summary>Invoices that differ from the ledger: said once in the log, and measured. No gateway is needed for it.</summary>
public class InvoiceDriftTests(PostgresFixture postgres)
{
    private const string Said = "SELECT count(*) FROM ledger.invoice_notice";

    /// <summary>Of a call of 12 + 34 tokens, at 1 and 2 USD per million.</summary>
    private const decimal Cost = 0.00008m;

    private static readonly DateTimeOffset Yesterday = DateTimeOffset.UtcNow.AddDays(-1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task an_invoice_above_the_threshold_is_warned_of_once_by_several_workers_and_measured()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var first = await StartAsync(database);
        await IngestAsync(first, "equal", "more");
        await ImportAsync(first, Line("equal", 12, 34, Cost), Line("more", 22, 34, Cost));

        await using var second = await StartAsync(database);
        await WorkerHost.WaitAsync(async () => await first.ScalarAsync(Said) is 1L);
        await LookAgainAsync(first, second);

        var warned = Assert.Single(first.LogOf<ReconciliationWorker>().Concat(second.LogOf<ReconciliationWorker>()), line => line.Level == LogLevel.Warning);
        Assert.Contains($"{Day} (UTC) the ledger and the invoice of openai more differ: by -10 tokens", warned.Text, StringComparison.Ordinal);
        using var metrics = new Metrics(first);
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Read("llmaspire.reconciliation.drift source=invoice provider=openai model=more") is 10));
        Assert.Equal(10.0 / 56, metrics.Read("llmaspire.reconciliation.drift.share source=invoice provider=openai model=more")!.Value, precision: 9);
        Assert.Equal(0, metrics.Read("llmaspire.reconciliation.drift source=invoice provider=openai model=equal"));
        Assert.Equal(1, metrics.Read("llmaspire.reconciliation.days source=invoice"));
    }

    [Fact]
    public async Task cost_alone_is_a_notice_which_a_corrected_line_takes_back_and_another_difference_makes_anew()
    {
        await using var host = await StartAsync(await postgres.CreateDatabaseAsync());
        using var metrics = new Metrics(host);
        await IngestAsync(host, "dear");

        await ImportAsync(host, Line("dear", 12, 34, 2 * Cost));
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Read("llmaspire.reconciliation.days source=invoice") is 1));
        await ImportAsync(host, Line("dear", 12, 34, Cost));
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Read("llmaspire.reconciliation.days source=invoice") is 0));
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync(Said) is 0L);
        await ImportAsync(host, Line("dear", 12, 34, 3 * Cost));
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync(Said) is 1L);
        await LookAgainAsync(host);

        Assert.Equal(
            [-Cost, -2 * Cost],
            host.LogOf<ReconciliationWorker>().Where(line => line.Level == LogLevel.Warning).Select(line =>
                decimal.Parse(line.Text.Split(" of all, and ")[1].Split(" USD")[0], CultureInfo.InvariantCulture)));
    }

    private static string Day => DateOnly.FromDateTime(Yesterday.UtcDateTime).ToString(CultureInfo.InvariantCulture);

    private static string Line(string model, long prompt, long completion, decimal cost) =>
        string.Create(CultureInfo.InvariantCulture, $"{Yesterday.UtcDateTime:yyyy-MM-dd},openai,{model},{prompt},{completion},{cost}");

    /// <summary>A call of yesterday of each model, at a price.</summary>
    private static async Task IngestAsync(WorkerHost host, params string[] models)
    {
        await new PriceRegistry(host.Source, TimeProvider.System).SaveAsync(
            PriceSource.Manual, "test", "test",
            [.. models.SelectMany(model => new PriceEntry[]
            {
                new("openai", model, TokenClasses.Input, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 1),
                new("openai", model, TokenClasses.Output, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 2),
            })],
            null, acceptImplausible: false, Cancellation);
        await Task.WhenAll(models.Select(model => host.Writer.WriteAsync(
            Calls.Settle() with { Id = Guid.CreateVersion7(Yesterday), Provider = "openai", ServedModel = model }, Cancellation)));
        await WorkerHost.WaitAsync(async () => (await host.RowIdsAsync()).Length == models.Length);
    }

    private static async Task ImportAsync(WorkerHost host, params string[] lines)
    {
        using var file = new StringReader(string.Join('\n', ["day,provider,model,prompt_tokens,completion_tokens,cost_usd", .. lines]));
        await new InvoiceRegistry(host.Source, TimeProvider.System).ImportAsync(file, "invoice.csv", "test", Cancellation);
    }

    /// <summary>Waits until somebody has looked three times more.</summary>
    private static async Task LookAgainAsync(params WorkerHost[] hosts)
    {
        const string Asked = "SELECT asked_at FROM ledger.reconciliation_gateway";
        for (var look = 0; look < 3; look++)
        {
            var before = await hosts[0].ScalarAsync(Asked);
            await WorkerHost.WaitAsync(async () => !Equals(await hosts[0].ScalarAsync(Asked), before));
        }
    }

    private static Task<WorkerHost> StartAsync(string database) => WorkerHost.StartAsync(database, settings: ("Reconciliation:Interval", "00:00:00.05"));
}
