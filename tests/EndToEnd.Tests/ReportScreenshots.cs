using LlmAspire.Benchmarks;
using Microsoft.Playwright;
using Npgsql;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>
/// Pictures of all pages of usage and money, to be looked at, in <c>TestResults/reports</c> beside the test assembly: of a month of twenty models, in light and dark, wide and narrow.
/// Run it by hand: <c>-explicit only -class '*ReportScreenshots'</c>, see docs/reports.md.
/// </summary>
public sealed class ReportScreenshots(StackFixture stack, BrowserFixture browser)
{
    private const int Calls = 12_000;

    [Fact(Explicit = true)]
    public async Task every_page_has_its_picture()
    {
        using var patience = BrowserSteps.Patience();
        await using var database = await stack.OpenDatabaseAsync(patience.Token);
        var connectionString = (await stack.GetServiceSettingsAsync(patience.Token))["ConnectionStrings__llm"];
        await using (var context = await browser.NewContextAsync(stack))
        {
            await new PageTour(await context.OpenChatAsync(), TakeAsync).MakeDriftAsync(database, patience.Token);
        }

        await using (var context = await browser.NewContextAsync(stack))
        {
            var page = await context.OpenChatAsync("operator");
            await page.GotoAsync("/operator/reconciliation");
            await page.GetByTestId("drift").WaitForAsync();
            await TakeAsync(page, "reconciliation-of-a-day");
        }

        await new SampleMonth(connectionString, TimeProvider.System).FillAsync(Calls, patience.Token);
        await using (var context = await browser.NewContextAsync(stack))
        {
            await new PageTour(await context.OpenChatAsync(), TakeAsync).SeeUsageAsync();
        }

        await using (var context = await browser.NewContextAsync(stack))
        {
            var page = await context.OpenChatAsync("operator");
            await page.GotoAsync("/operator/reconciliation?source=invoice");
            await page.ImportInvoiceAsync("anthropic-november.csv", await InvoiceAsync(database, "anthropic", patience.Token));
            await page.ImportInvoiceAsync("openai-november.csv", await InvoiceAsync(database, "openai", patience.Token));
            var tour = new PageTour(page, TakeAsync);
            await tour.SeePricesAsync("anthropic", "claude-opus-5-5");
            await tour.SeeReconciliationAsync();
        }
    }

    private static async Task TakeAsync(IPage page, string name)
    {
        foreach (var look in PageLook.All)
        {
            await look.ShowAsync(page, () => page.TakePictureAsync(Path.Combine("reports", $"{name}-{look}.png")));
        }
    }

    /// <summary>What a provider would charge: as the ledger has it, but for every seventh line.</summary>
    private static async Task<List<string>> InvoiceAsync(NpgsqlConnection database, string provider, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT concat_ws(',', created_at::date, provider, served_model, sum(prompt_tokens) + CASE WHEN extract(day FROM created_at::date)::int % 7 = 0 THEN 9000 ELSE 0 END,
                sum(completion_tokens), round(coalesce(sum(cost_usd), 0), 12), count(*))
            FROM (SELECT created_at AT TIME ZONE 'UTC' AS created_at, provider, served_model, prompt_tokens, completion_tokens, cost_usd FROM ledger.call_cost(NULL, 'infinity')) AS call
            WHERE provider = $1 AND prompt_tokens + completion_tokens > 0 GROUP BY created_at::date, provider, served_model
            """,
            database)
        { Parameters = { new() { Value = provider } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<string> lines = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            lines.Add(reader.GetString(0));
        }

        return lines;
    }
}
