using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Axe's rules, all of them, on every page and in what opens on it: light and wide, dark and narrow.</summary>
public sealed class AccessibilityTests(StackFixture stack, BrowserFixture browser)
{
    private readonly List<string> _found = [];

    [Fact]
    public async Task axe_finds_nothing_on_the_way_in_in_settings_and_prompts()
    {
        await using var context = await browser.NewContextAsync(stack);
        await new PageTour(await context.NewPageAsync(), CheckAsync).SeeEntranceAsync();
        var page = await context.RegisterAsync("/register", BrowserSteps.NewMail(), "Axe makers");
        var tour = new PageTour(page, CheckAsync);
        await tour.SeeSettingsAsync();
        await tour.SeePromptsAsync();

        Assert.True(_found.Count == 0, string.Join(Environment.NewLine, _found));
    }

    [Fact]
    public async Task axe_finds_nothing_in_chats_and_tools()
    {
        await using var context = await browser.NewContextAsync(stack);
        await new PageTour(await context.OpenChatAsync(), CheckAsync).SeeToolsAsync();

        Assert.True(_found.Count == 0, string.Join(Environment.NewLine, _found));
    }

    [Fact]
    public async Task axe_finds_nothing_in_comparisons_and_races()
    {
        await using var context = await browser.NewContextAsync(stack);
        await new PageTour(await context.OpenChatAsync("enterprise"), CheckAsync).SeeComparisonsAsync();

        Assert.True(_found.Count == 0, string.Join(Environment.NewLine, _found));
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

        Assert.True(_found.Count == 0, string.Join(Environment.NewLine, _found));
    }

    [Fact]
    public async Task who_wants_no_motion_gets_another_theme_at_once()
    {
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync();
        await page.EmulateMediaAsync(new PageEmulateMediaOptions { ReducedMotion = ReducedMotion.Reduce });

        var durations = await page.EvaluateAsync<string[]>(
            "() => [...new Set([...document.querySelectorAll('*')].flatMap(one => [null, '::before', '::after'].map(part => getComputedStyle(one, part).transitionDuration)))]");

        Assert.All(durations.SelectMany(one => one.Split(", ")), one => Assert.Equal("0s", one));
    }

    private async Task CheckAsync(IPage page, string name)
    {
        foreach (var look in PageLook.Each)
        {
            await look.ShowAsync(page, async () =>
            {
                // An open menu hangs beside the page's regions, and belongs to its button.
                var isMenuOpen = await page.Locator(".mud-popover-open").CountAsync() > 0;
                var result = await page.RunAxe(new AxeRunOptions { Rules = new() { ["region"] = new RuleOptions { Enabled = !isMenuOpen } } });
                _found.AddRange(result.Violations.SelectMany(one => one.Nodes.Select(node => $"{name}, {look}: {one.Id}: {one.Help}: {Describe(node)}")));
            });
        }
    }

    private static string Describe(AxeResultNode node) => $"{node.Html} ({string.Join("; ", node.Any.Concat(node.All).Concat(node.None).Select(check => check.Message))})";
}
