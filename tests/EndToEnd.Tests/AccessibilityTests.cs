using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Axe's rules, all of them, on every page and in what opens on it: light and wide, dark and narrow.</summary>
public sealed class AccessibilityTests(StackFixture stack, BrowserFixture browser)
{
    private readonly List<string> _found = [];

    [Fact]
    public async Task axe_finds_nothing_on_the_way_in_and_in_the_settings()
    {
        await using var context = await browser.NewContextAsync(stack);
        await new PageTour(await context.NewPageAsync(), CheckAsync).SeeEntranceAsync();
        var page = await context.RegisterAsync("/register", BrowserSteps.NewMail(), "Axe makers");
        await new PageTour(page, CheckAsync).SeeSettingsAsync();

        Assert.Empty(_found);
    }

    [Fact]
    public async Task axe_finds_nothing_in_chats_tools_and_prompts()
    {
        await using var context = await browser.NewContextAsync(stack);
        var tour = new PageTour(await context.OpenChatAsync(), CheckAsync);
        await tour.SeeToolsAsync();
        await tour.SeePromptsAsync();

        Assert.Empty(_found);
    }

    [Fact]
    public async Task axe_finds_nothing_in_comparisons_and_races()
    {
        await using var context = await browser.NewContextAsync(stack);
        await new PageTour(await context.OpenChatAsync("enterprise"), CheckAsync).SeeComparisonsAsync();

        Assert.Empty(_found);
    }

    [Fact]
    public async Task axe_finds_nothing_in_reports_prices_and_reconciliation()
    {
        using var patience = BrowserSteps.Patience();
        await using var database = await stack.OpenDatabaseAsync(patience.Token);
        await using (var context = await browser.NewContextAsync(stack))
        {
            var tour = new PageTour(await context.OpenChatAsync(), CheckAsync);
            await tour.MakeDriftAsync(database, patience.Token);
            await tour.SeeUsageAsync();
        }

        await using (var context = await browser.NewContextAsync(stack))
        {
            var tour = new PageTour(await context.OpenChatAsync("operator"), CheckAsync);
            await tour.SeePricesAsync("openai", "gpt-6-luna");
            await tour.SeeReconciliationAsync();
        }

        Assert.Empty(_found);
    }

    private async Task CheckAsync(IPage page, string name)
    {
        foreach (var look in PageLook.Each)
        {
            await look.ShowAsync(page, async () =>
            {
                var result = await page.RunAxe();
                _found.AddRange(result.Violations.Select(one => $"{name}, {look}: {one.Id}: {one.Help}: {string.Join(" | ", one.Nodes.Select(Describe))}"));
            });
        }
    }

    private static string Describe(AxeResultNode node) => $"{node.Html} ({string.Join("; ", node.Any.Concat(node.All).Concat(node.None).Select(check => check.Message))})";
}
