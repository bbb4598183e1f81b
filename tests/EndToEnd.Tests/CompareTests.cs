using System.Globalization;
using Microsoft.Playwright;
using Npgsql;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Models side by side: the real page, Api and worker, with a model that fails at the demo gateway.</summary>
public sealed class CompareTests(StackFixture stack, BrowserFixture browser)
{
    [Fact]
    public async Task models_answer_side_by_side_one_fails_alone_and_the_chosen_answer_is_gone_on_with()
    {
        using var patience = BrowserSteps.Patience();
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync("enterprise");
        await page.GetByTestId("compare").ClickAsync();
        await page.Locator("[data-testid=compare-model]").First.WaitForAsync();
        foreach (var model in (string[])["chat-default", "claude-default", "gemini-default"])
        {
            await page.Locator($"[data-testid=compare-model][data-model-id={model}]").CheckAsync();
        }

        var word = $"w{Guid.NewGuid():N}";
        await page.GetByTestId("message-input").FillAsync($"Explain {word} <<demo length=60 pace=200>> <<demo@claude-default error=15>>");
        await page.GetByTestId("send").ClickAsync();

        await Answer(page, "chat-default", "done").WaitForAsync();
        await Answer(page, "claude-default", "error").WaitForAsync();
        await Answer(page, "gemini-default", "done").WaitForAsync();
        // What an answer cost is what the ledger says.
        await using var database = await stack.OpenDatabaseAsync(patience.Token);
        foreach (var model in (string[])["chat-default", "gemini-default"])
        {
            var column = page.Locator($"[data-testid=compare-answer][data-model={model}]");
            var call = await column.GetByTestId("usage").GetAttributeAsync("data-call-id");
            var shown = column.Locator("[data-testid=compare-cost] [data-figure=costUsd]");
            await shown.WaitForAsync();
            await using var cost = new NpgsqlCommand("SELECT cost_usd FROM ledger.call_cost(NULL, 'infinity') WHERE id = $1", database)
            {
                Parameters = { new() { Value = Guid.Parse(call!) } },
            };
            Assert.Equal((decimal)(await cost.ExecuteScalarAsync(patience.Token))!, decimal.Parse((await shown.GetAttributeAsync("value"))!, CultureInfo.InvariantCulture));
        }

        await TakePicturesAsync(page);
        await page.Locator("[data-testid=compare-answer][data-model=gemini-default]").GetByTestId("compare-continue").ClickAsync();
        await page.GetByText("3 / 3").WaitForAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        Assert.Equal("gemini-default", await page.GetByTestId("usage").GetAttributeAsync("data-model"));
        await page.GetByTestId("message-input").FillAsync("And more? <<demo length=20 pace=0>>");
        await page.GetByTestId("send").ClickAsync();
        await page.Locator("[data-testid=answer][data-state=done]").Nth(1).WaitForAsync();
        await page.ReloadAsync();
        await page.Locator("[data-testid=answer][data-state=done]").Nth(1).WaitForAsync();
        await page.GetByText("3 / 3").WaitForAsync();
    }

    private static ILocator Answer(IPage page, string model, string state) =>
        page.Locator($"[data-testid=compare-answer][data-model={model}] [data-testid=answer][data-state={state}]");

    /// <summary>For people to look at; and no width makes the page itself wider than the screen.</summary>
    private static async Task TakePicturesAsync(IPage page)
    {
        foreach (var dark in (bool[])[false, true])
        {
            foreach (var (width, height) in ((int, int)[])[(1440, 900), (390, 844)])
            {
                await page.SetViewportSizeAsync(width, height);
                await page.ScreenshotAsync(new PageScreenshotOptions { Path = Artifacts.PathOf($"compare-{width}-{(dark ? "dark" : "light")}.png") });
                Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
            }

            await page.GetByTestId("theme-toggle").ClickAsync();
        }

        await page.SetViewportSizeAsync(1440, 900);
    }
}
