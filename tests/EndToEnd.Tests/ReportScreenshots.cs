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

    private static readonly Shot[] OfAdmins =
    [
        new("usage", "/usage", "usage-latency"),
        new("usage-of-a-week", "/usage?range=7d", "usage-latency"),
        new("organisation-usage", "/organisation/usage", "usage-latency"),
        new("calls", "/usage/calls?scope=organisation", "calls"),
    ];

    private static readonly Shot[] OfOperators =
    [
        new("operator-usage", "/operator/usage", "usage-latency"),
        new("prices", "/operator/prices", "prices"),
        new("price-history", "/operator/prices?show=history&provider=anthropic&model=claude-opus-5-5", "price-history"),
        new("price-import", "/operator/prices?show=import", "price-file"),
        new("reconciliation", "/operator/reconciliation", "drift"),
        new("invoices", "/operator/reconciliation?source=invoice", "drift"),
        new("invoices-that-drift", "/operator/reconciliation?source=invoice&only=drift", "drift"),
    ];

    [Fact(Explicit = true)]
    public async Task every_page_has_its_picture()
    {
        using var patience = BrowserSteps.Patience();
        await using var database = await stack.OpenDatabaseAsync(patience.Token);
        var connectionString = (await stack.GetServiceSettingsAsync(patience.Token))["ConnectionStrings__llm"];
        await using (var context = await browser.NewContextAsync(stack))
        {
            var page = await context.OpenChatAsync();
            await page.ChatAsync("", "spend=+70", "spend=none");
        }

        await database.WaitForAsync("SELECT count(*) >= 2 FROM ledger.reconciliation_difference", patience.Token);
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
            var page = await context.OpenChatAsync("operator");
            await page.GotoAsync("/operator/reconciliation?source=invoice");
            await page.ImportInvoiceAsync("anthropic-november.csv", await InvoiceAsync(database, "anthropic", patience.Token));
            await page.ImportInvoiceAsync("openai-november.csv", await InvoiceAsync(database, "openai", patience.Token));
        }

        foreach (var theme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            foreach (var width in new[] { 1440, 390 })
            {
                await TakeAllAsync(database, theme, width, patience.Token);
            }
        }
    }

    private async Task TakeAllAsync(NpgsqlConnection database, ColorScheme theme, int width, CancellationToken cancellationToken)
    {
        foreach (var (who, shots) in new[] { ("pro", OfAdmins), ("operator", OfOperators) })
        {
            await using var context = await browser.Browser.NewContextAsync(new BrowserNewContextOptions
            {
                BaseURL = stack.Web.ToString(),
                ColorScheme = theme,
                ViewportSize = new ViewportSize { Width = width, Height = width > 1000 ? 900 : 844 },
                TimezoneId = "Europe/Berlin",
            });
            var page = await context.OpenChatAsync(who);
            foreach (var shot in shots)
            {
                await page.GotoAsync(shot.Address);
                await page.Locator($"[data-testid={shot.Awaited}]").First.WaitForAsync();
                await TakeAsync(page, $"{shot.Name}-{theme}-{width}");
            }

            if (who == "pro")
            {
                await using var command = new NpgsqlCommand("SELECT id FROM ledger.llm_usage WHERE attempts = 2 AND reasoning_tokens > 0 AND cached_prompt_tokens > 0 AND org_id = '0195f000-0000-7000-8000-00000000de30' LIMIT 1", database);
                await page.GotoAsync($"/usage/calls/{await command.ExecuteScalarAsync(cancellationToken)}?scope=organisation");
                await page.GetByTestId("call-story").WaitForAsync();
                await TakeAsync(page, $"call-story-{theme}-{width}");
            }
            else
            {
                await page.GotoAsync("/operator/prices?show=edit&provider=anthropic&model=claude-opus-5-5");
                await page.GetByTestId("price-of-input").FillAsync("0.0002");
                await page.GetByTestId("price-day").FillAsync(DateTimeOffset.UtcNow.AddDays(-20).Day());
                await page.GetByTestId("preview-prices").ClickAsync();
                await page.GetByTestId("price-effects").WaitForAsync();
                await TakeAsync(page, $"price-editor-{theme}-{width}");
                await page.GotoAsync("/operator/reconciliation");
                await page.Locator("tr[data-above] a").First.ClickAsync();
                await page.GetByTestId("differences").WaitForAsync();
                await TakeAsync(page, $"differences-{theme}-{width}");
            }
        }
    }

    private static async Task TakeAsync(IPage page, string name)
    {
        // Until nothing moves any more: fonts, panels that slide in.
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        // The page scrolls inside of itself: so much is hidden of it.
        var hidden = await page.EvaluateAsync<int>("""
            () => Math.max(0, ...[...document.querySelectorAll('*')]
                .filter(element => ['auto', 'scroll'].includes(getComputedStyle(element).overflowY) && !element.matches('.table-scroll'))
                .map(element => element.scrollHeight - element.clientHeight))
            """);
        var (width, height) = (page.ViewportSize!.Width, page.ViewportSize.Height);
        await page.SetViewportSizeAsync(width, height + hidden);
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Artifacts.PathOf(Path.Combine("reports", $"{name}.png")), Animations = ScreenshotAnimations.Disabled });
        await page.SetViewportSizeAsync(width, height);
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

    /// <param name="Awaited">The test id of what is there when the page is.</param>
    private sealed record Shot(string Name, string Address, string Awaited);
}
