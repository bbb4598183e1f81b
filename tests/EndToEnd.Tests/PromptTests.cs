using Aspire.Hosting.Testing;
using Microsoft.Playwright;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>A prompt from its description to a chat that uses it, in a browser.</summary>
public sealed class PromptTests(StackFixture stack, BrowserFixture browser)
{
    [Fact]
    public async Task a_prompt_that_a_model_wrote_is_edited_saved_and_told_to_the_model_of_a_new_chat()
    {
        using var patience = BrowserSteps.Patience();
        var mark = $"Zebra{Guid.NewGuid():N}";
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync();
        await page.GotoAsync("/prompts");
        await page.GetByTestId("new-prompt").ClickAsync();
        await page.GetByTestId("open-generator").ClickAsync();
        await page.GetByTestId("prompt-wish").FillAsync("A helper for my bakery that knows the opening times");
        await page.GetByTestId("write-prompt").ClickAsync();
        await page.GetByTestId("prompt-written").WaitForAsync();
        var usage = page.GetByTestId("side-panel").GetByTestId("usage");
        var callId = Guid.Parse((await usage.GetAttributeAsync("data-call-id"))!);
        var written = await page.GetByTestId("prompt-text").InputValueAsync();
        Assert.StartsWith("You are a careful assistant. Your field: helper for my bakery.", written, StringComparison.Ordinal);
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Artifacts.PathOf("prompt-written.png") });

        await page.GetByTestId("prompt-text").FillAsync($"You are {mark}.\n{written}");
        await page.GetByTestId("prompt-name").FillAsync("Bakery");
        await page.GetByTestId("save-prompt").ClickAsync();
        await page.Locator("[data-testid=prompt-versions] [data-version='1']").WaitForAsync();
        await page.GetByTestId("use-prompt").ClickAsync();
        await page.Locator("[data-testid=prompt-in-use] b").GetByText("Bakery").WaitForAsync();

        await page.GetByTestId("message-input").FillAsync("Hello");
        await page.GetByTestId("send").ClickAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        // The demo model says how its system prompt begins.
        Assert.Contains($"My system prompt begins: “You are {mark}.”", await page.GetByTestId("answer-text").TextContentAsync(), StringComparison.Ordinal);
        await page.ReloadAsync();
        await page.Locator("[data-testid=prompt-in-use][data-version='1']").WaitForAsync();
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Artifacts.PathOf("prompt-in-use.png") });

        // The conversation goes on without, and with it again.
        await page.GetByTestId("prompt-picker").GetByRole(AriaRole.Button).ClickAsync();
        await page.GetByTestId("no-prompt").ClickAsync();
        await page.GetByTestId("prompt-in-use").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Detached });
        await page.GetByTestId("prompt-picker").GetByRole(AriaRole.Button).ClickAsync();
        await page.Locator("[data-prompt-choice]").First.ClickAsync();
        await page.GetByTestId("prompt-in-use").WaitForAsync();

        await using var connection = await stack.OpenDatabaseAsync(patience.Token);
        Assert.Equal("prompt completed provider", await OperationAsync(connection, callId, patience.Token));
        Assert.DoesNotContain(mark, await ReadLogAsync(patience.Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task the_examples_of_the_key_page_name_the_api_of_this_stack()
    {
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync();
        await page.GotoAsync("/api-keys");

        var examples = page.GetByTestId("api-examples");
        Assert.Equal(new Uri(stack.App.GetEndpoint("api", "http"), "/v1").ToString(), await examples.GetAttributeAsync("data-base-url"));
        await examples.GetByRole(AriaRole.Tab, new() { Name = "C#" }).ClickAsync();
        await examples.GetByText("new ChatClient(").WaitForAsync();
    }

    /// <summary>The row is there once the worker has taken it from the inbox.</summary>
    private static async Task<string> OperationAsync(Npgsql.NpgsqlConnection connection, Guid callId, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT concat_ws(' ', operation, outcome, source) FROM ledger.llm_usage WHERE id = $1";
        command.Parameters.Add(new() { Value = callId });
        while (true)
        {
            if (await command.ExecuteScalarAsync(cancellationToken) is string row)
            {
                return row;
            }

            await Task.Delay(50, cancellationToken);
        }
    }

    private static async Task<string> ReadLogAsync(CancellationToken cancellationToken)
    {
        await using var file = new FileStream(Artifacts.PathOf("stack.log"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return await new StreamReader(file).ReadToEndAsync(cancellationToken);
    }
}
