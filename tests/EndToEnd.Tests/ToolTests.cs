using Microsoft.Playwright;
using Npgsql;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Tools, from their menu to the ledger, and how they look.</summary>
public sealed class ToolTests(StackFixture stack, BrowserFixture browser)
{
    private const string Question = "What time is it in Berlin, and what is 12.5 * 8?";

    [Fact]
    public async Task chosen_tools_are_called_shown_kept_and_accounted()
    {
        using var patience = BrowserSteps.Patience();
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync();
        await page.GetByTestId("tool-picker").GetByRole(AriaRole.Button).ClickAsync();
        foreach (var tool in new[] { "current_time", "calculator", "my_usage" })
        {
            await page.Locator($"[data-tool={tool}]").ClickAsync();
            await page.Locator($"[data-tool={tool}][aria-checked=true]").WaitForAsync();
        }

        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Artifacts.PathOf("tools-menu.png") });
        await page.Keyboard.PressAsync("Escape");
        await page.GetByTestId("message-input").FillAsync(Question);
        await page.GetByTestId("message-input").PressAsync("Enter");
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();

        await AssertToolsAsync(page);
        var ids = await page.GetByTestId("usage").EvaluateAllAsync<string[]>("lines => lines.map(line => line.dataset.callId)");
        Assert.Equal(2, ids.Length);
        Assert.Equal(["chat", "tool"], await OperationsAsync([.. ids.Select(Guid.Parse)], patience.Token));

        await page.ReloadAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        await AssertToolsAsync(page);
        // The choice is remembered too.
        await page.Locator("[data-testid=tool-picker][data-chosen='current_time calculator my_usage']").WaitForAsync();
        await PhotographAsync(page);
    }

    private static async Task AssertToolsAsync(IPage page)
    {
        var card = page.Locator("[data-testid=tool-call][data-tool=calculator][data-state=ok]");
        await page.Locator("[data-testid=tool-call][data-tool=current_time][data-state=ok]").WaitForAsync();
        await card.Locator("summary").ClickAsync();
        Assert.Contains("\"100\"", await card.Locator("[data-part=result]").InnerTextAsync(), StringComparison.Ordinal);
        Assert.Contains("12.5 * 8", await card.Locator("[data-part=arguments]").InnerTextAsync(), StringComparison.Ordinal);
    }

    /// <summary>Of rows of one request, in their order.</summary>
    private async Task<string[]> OperationsAsync(Guid[] calls, CancellationToken cancellationToken)
    {
        await using var connection = await stack.OpenDatabaseAsync(cancellationToken);
        while (true)
        {
            await using var command = new NpgsqlCommand(
                "SELECT array_agg(operation ORDER BY id) FROM ledger.llm_usage WHERE id = ANY ($1) HAVING count(*) = $2 AND count(DISTINCT request_id) = 1", connection);
            command.Parameters.AddWithValue(calls);
            command.Parameters.AddWithValue((long)calls.Length);
            if (await command.ExecuteScalarAsync(cancellationToken) is string[] operations)
            {
                return operations;
            }

            await Task.Delay(100, cancellationToken);
        }
    }

    private static async Task PhotographAsync(IPage page)
    {
        foreach (var (scheme, name) in new[] { (ColorScheme.Light, "light"), (ColorScheme.Dark, "dark") })
        {
            await page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = scheme });
            foreach (var width in new[] { 1440, 390 })
            {
                await page.SetViewportSizeAsync(width, 900);
                await page.GetByTestId("question").ScrollIntoViewIfNeededAsync();
                await page.ScreenshotAsync(new PageScreenshotOptions { Path = Artifacts.PathOf($"tools-{name}-{width}.png"), Animations = ScreenshotAnimations.Disabled });
            }
        }
    }
}
