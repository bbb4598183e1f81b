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

    [Fact]
    public async Task in_a_conversation_with_its_prompt_and_tools_the_first_good_answer_wins_and_the_others_are_cancelled_and_accounted()
    {
        using var patience = BrowserSteps.Patience();
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync("enterprise");
        var mark = $"Zebra{Guid.NewGuid():N}";
        await page.GotoAsync("/prompts?show=new");
        await page.GetByTestId("prompt-text").FillAsync($"You are {mark}.");
        await page.GetByTestId("prompt-name").FillAsync(mark);
        await page.GetByTestId("save-prompt").ClickAsync();
        await page.Locator("[data-testid=prompt-versions] [data-version='1']").WaitForAsync();
        await page.GetByTestId("use-prompt").ClickAsync();
        await page.GetByTestId("prompt-in-use").WaitForAsync();
        await page.GetByTestId("message-input").FillAsync("Hello");
        await page.GetByTestId("send").ClickAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();

        await page.GetByTestId("compare").ClickAsync();
        await page.GetByTestId("compare-origin").WaitForAsync();
        await page.GetByText($"System prompt: {mark}").WaitForAsync();
        foreach (var model in (string[])["chat-default", "claude-default", "gemini-default"])
        {
            await page.Locator($"[data-testid=compare-model][data-model-id={model}]").CheckAsync();
        }

        await page.GetByTestId("tool-picker").GetByRole(AriaRole.Button).ClickAsync();
        await page.Locator("[data-tool=calculator]").ClickAsync();
        await page.Locator("[data-tool=calculator][aria-checked=true]").WaitForAsync();
        await page.Keyboard.PressAsync("Escape");
        await page.GetByTestId("race-mode").CheckAsync();
        await page.GetByTestId("race-words").FillAsync("100");
        await page.GetByTestId("race-pattern").FillAsync("(");
        await page.GetByTestId("message-input").FillAsync("Who is first?");
        await page.GetByTestId("send").ClickAsync();
        await page.GetByTestId("error").GetByText("cannot be checked").WaitForAsync();
        await page.GetByTestId("race-pattern").FillAsync(@"1\d0");
        // Two wait before they say anything; one uses its tool, and says what it was told before all.
        var hold = $"race-{Guid.NewGuid():N}";
        await page.GetByTestId("message-input").FillAsync($"What is 12.5 * 8? <<demo@chat-default hold={hold}a@3>> <<demo@gemini-default hold={hold}b@3>>");
        await page.GetByTestId("send").ClickAsync();

        await page.Locator("[data-testid=race-result][data-winner=claude-default] [data-figure=lostTokens]").WaitForAsync();
        await page.Locator("[data-testid=race-result]").GetByText("is not known").WaitForAsync();
        var winner = page.Locator("[data-testid=compare-answer][data-winner]");
        await winner.Locator("[data-testid=tool-call][data-tool=calculator][data-state=ok]").WaitForAsync();
        await winner.Locator("[data-place=won]").WaitForAsync();
        Assert.Equal(2, await page.Locator("[data-place=cancelled]").CountAsync());

        // What the page says of the losers is what the ledger has.
        var calls = await page.Locator("[data-testid=compare-answer]:not([data-winner]) [data-testid=usage]").EvaluateAllAsync<string[]>("lines => lines.map(line => line.dataset.callId)");
        await using var database = await stack.OpenDatabaseAsync(patience.Token);
        var ids = calls.Select(Guid.Parse).ToArray();
        await database.WaitForAsync("SELECT count(*) = $2 FROM ledger.llm_usage WHERE id = ANY ($1)", patience.Token, ids, (long)ids.Length);
        var row = (await database.ReadAsync(
            "SELECT string_agg(DISTINCT concat_ws(' ', operation, outcome, source), ', '), count(*), sum(prompt_tokens + completion_tokens)::bigint FROM ledger.llm_usage WHERE id = ANY ($1)",
            patience.Token, ids)).Single();
        Assert.Equal(("race stopped estimated", 2L), ((string)row[0]!, (long)row[1]!));
        Assert.Equal(row[2], long.Parse((await page.Locator("[data-figure=lostTokens]").GetAttributeAsync("value"))!, CultureInfo.InvariantCulture));

        await winner.GetByTestId("compare-continue").ClickAsync();
        await page.Locator("[data-testid=answer][data-state=done]").Nth(1).WaitForAsync();
        Assert.Equal(2, await page.GetByTestId("question").CountAsync());
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
