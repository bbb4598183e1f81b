using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using Microsoft.Playwright;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Answers that belong to the Api and not to the tab, the page or the process that they began in. The demo gateway holds each where the test wants it.</summary>
public sealed partial class ConversationTests(StackFixture stack, BrowserFixture browser)
{
    private const int HeldAt = 40;

    /// <summary>A fault of the demo gateway: an answer that is soon over.</summary>
    private const string Short = "<<demo length=20 pace=0>>";

    [Fact]
    public async Task a_reload_and_a_second_tab_join_the_running_answer()
    {
        using var patience = BrowserSteps.Patience();
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync();
        var hold = NewHold();
        await AskHeldAsync(page, hold, length: 160);
        var address = page.Url;

        var second = await context.NewPageAsync();
        await second.GotoAsync(address);
        await second.Locator("[data-testid=answer][data-state=streaming]").WaitForAsync();
        await page.ReloadAsync();
        await page.Locator("[data-testid=answer][data-state=streaming]").WaitForAsync();
        await ReleaseAsync(hold, patience.Token);

        var whole = await StoredTextAsync(address, patience.Token, page, second);
        Assert.Equal(whole, await TextAsync(page));
        Assert.Equal(whole, await TextAsync(second));
        await page.ReloadAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        Assert.Equal(whole, await TextAsync(page));
        Assert.Equal(1, await page.GetByTestId("usage").CountAsync());
    }

    [Fact]
    public async Task stop_works_from_another_tab()
    {
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync();
        await AskHeldAsync(page, NewHold(), length: 160);
        var second = await context.NewPageAsync();
        await second.GotoAsync(page.Url);

        await second.GetByTestId("stop").ClickAsync();

        await second.Locator("[data-testid=answer][data-state=stopped]").WaitForAsync();
        await page.Locator("[data-testid=answer][data-state=stopped]").WaitForAsync();
        Assert.Equal(await TextAsync(page), await TextAsync(second));
    }

    [Fact]
    public async Task branches_pins_and_searches_are_there_after_a_reload()
    {
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync("enterprise");
        var word = $"w{Guid.NewGuid():N}";
        await AskAsync(page, $"Tell me of {word} {Short}");
        await page.GetByTestId("regenerate").ClickAsync();
        await page.GetByText("2 / 2").WaitForAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        await page.GetByTitle("Previous").ClickAsync();
        await page.GetByText("1 / 2").WaitForAsync();
        await page.GetByTestId("edit").ClickAsync();
        await page.GetByTestId("edit-input").FillAsync($"Tell me more of {word} {Short}");
        await page.GetByTestId("edit-send").ClickAsync();
        await page.GetByTestId("question").GetByText($"Tell me more of {word}").WaitForAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        var id = page.Url.Split('/')[^1];

        await page.ReloadAsync();
        await page.GetByTestId("question").GetByText($"Tell me more of {word}").WaitForAsync();
        await page.GetByText("2 / 2").WaitForAsync();

        await page.GetByTestId("new-chat").ClickAsync();
        await page.GetByTestId("sample").First.WaitForAsync();
        await page.GetByPlaceholder("Search").FillAsync(word);
        var found = page.Locator($"[data-testid=conversation][data-conversation-id='{id}']");
        await found.WaitForAsync();
        await page.GetByTestId("conversation").Nth(1).WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Detached });

        var download = await DownloadAsync(page, found, "Export as Markdown");
        Assert.Contains($"Tell me more of {word}", await File.ReadAllTextAsync(download, TestContext.Current.CancellationToken));

        await ChooseAsync(page, found, "Delete");
        await page.GetByRole(AriaRole.Dialog).GetByText("Delete", new LocatorGetByTextOptions { Exact = true }).ClickAsync();
        await found.WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Detached });
        await page.GotoAsync($"/c/{id}");
        await page.GetByTestId("conversation-away").WaitForAsync();
    }

    [Fact]
    public async Task two_replicas_serve_one_session_and_one_answer_and_outlive_each_other()
    {
        using var patience = BrowserSteps.Patience();
        var settings = new Dictionary<string, string>(await stack.GetServiceSettingsAsync(patience.Token))
        {
            ["Usage__LivenessInterval"] = "00:00:00.200",
            // Long enough for a busy machine not to take a process for gone that is only slow.
            ["Chat__InterruptedAfter"] = "00:00:10",
        };
        using var apiA = new ServiceProcess("Api", settings);
        using var apiB = new ServiceProcess("Api", settings);
        await Task.WhenAll(apiA.WaitUntilHealthyAsync(), apiB.WaitUntilHealthyAsync());
        using var webA = new ServiceProcess("Web", new(settings) { ["services__api__http__0"] = apiA.Address.ToString() });
        using var webB = new ServiceProcess("Web", new(settings) { ["services__api__http__0"] = apiB.Address.ToString() });
        await Task.WhenAll(webA.WaitUntilHealthyAsync(), webB.WaitUntilHealthyAsync());

        // Signed in at one, known to the other: cookies are the host's, whatever the port.
        await using var context = await browser.NewContextAsync(webA.Address);
        var pageA = await context.OpenChatAsync();
        var hold = NewHold();
        await AskHeldAsync(pageA, hold, length: 160);
        var pageB = await context.NewPageAsync();
        await pageB.GotoAsync(new Uri(webB.Address, new Uri(pageA.Url).AbsolutePath).ToString());
        await pageB.Locator("[data-testid=answer][data-state=streaming]").WaitForAsync();
        await ReleaseAsync(hold, patience.Token);
        var whole = await StoredTextAsync(pageA.Url, patience.Token, pageA, pageB);
        Assert.Equal(whole, await TextAsync(pageA));
        Assert.Equal(whole, await TextAsync(pageB));

        // The next answer's process dies in the middle of it.
        await AskHeldAsync(pageA, NewHold(), length: 160);
        await pageB.ReloadAsync();
        await pageB.Locator("[data-testid=answer][data-state=streaming]").WaitForAsync();
        await pageB.WaitForFunctionAsync(
            "() => [...document.querySelectorAll('[data-testid=answer-text]')].at(-1).textContent.trim().split(/\\s+/).length > 10");
        apiA.Kill();

        var interrupted = pageB.Locator("[data-testid=answer][data-state=interrupted]");
        await interrupted.WaitForAsync();
        var kept = await TextAsync(pageB);
        Assert.True(kept.Length > 20, kept);
        await pageB.GetByTestId("continue").ClickAsync();
        await pageB.Locator("[data-testid=answer][data-state=done]").Nth(1).WaitForAsync();
        var continued = await TextAsync(pageB);
        Assert.StartsWith(kept, continued);
        Assert.True(continued.Length > kept.Length);
        await pageB.ReloadAsync();
        await pageB.Locator("[data-testid=answer][data-state=done]").Nth(1).WaitForAsync();
        Assert.Equal(continued, await TextAsync(pageB));
    }

    private static string NewHold() => $"h{Guid.NewGuid():N}";

    /// <summary>Asks for an answer that is held after some of its text, and waits until that is shown.</summary>
    private static async Task AskHeldAsync(IPage page, string hold, int length)
    {
        await page.GetByTestId("message-input").FillAsync($"Tell me of rivers <<demo length={length} pace=0 hold={hold}@{HeldAt}>>");
        await page.GetByTestId("send").ClickAsync();
        // Not WaitForURL: between its look at the address and its wait for a navigation, a navigation can be missed.
        await Assertions.Expect(page).ToHaveURLAsync(AddressOfConversation(), new PageAssertionsToHaveURLOptions { Timeout = BrowserSteps.LongestMilliseconds });
        // Before its first word it says that it is on its way: then nobody else knows of it yet.
        await page.Locator("[data-testid=answer][data-state=streaming] [data-testid=answer-text] > :not(.thinking)").First.WaitForAsync();
    }

    private static async Task AskAsync(IPage page, string message)
    {
        await page.GetByTestId("message-input").FillAsync(message);
        await page.GetByTestId("send").ClickAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
    }

    private async Task ReleaseAsync(string hold, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = stack.App.GetEndpoint("litellm", "http") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", StackFixture.GatewayKey);
        using var released = await http.PostAsync(new Uri($"/_demo/release?name={hold}", UriKind.Relative), null, cancellationToken);
        released.EnsureSuccessStatusCode();
    }

    /// <summary>The text of the last answer, as it is shown, with single spaces.</summary>
    private static async Task<string> TextAsync(IPage page) => Spaces().Replace(await page.GetByTestId("answer-text").Last.TextContentAsync() ?? "", " ").Trim();

    /// <summary>The text of the last answer as it is stored, once it is done on the pages.</summary>
    private async Task<string> StoredTextAsync(string address, CancellationToken cancellationToken, params IPage[] pages)
    {
        foreach (var page in pages)
        {
            await page.Locator("[data-testid=answer][data-state=done]").Last.WaitForAsync();
        }

        await using var connection = await stack.OpenDatabaseAsync(cancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT content FROM tenant.message WHERE conversation_id = $1 AND role = 'assistant' ORDER BY id DESC LIMIT 1";
        command.Parameters.Add(new() { Value = Guid.Parse(address.Split('/')[^1]) });
        return Spaces().Replace((string)(await command.ExecuteScalarAsync(cancellationToken))!, " ").Trim();
    }

    private static async Task ChooseAsync(IPage page, ILocator conversation, string action)
    {
        await conversation.HoverAsync();
        await conversation.GetByTestId("conversation-menu").GetByRole(AriaRole.Button).ClickAsync();
        await page.GetByText(action, new PageGetByTextOptions { Exact = true }).ClickAsync();
    }

    private static async Task<string> DownloadAsync(IPage page, ILocator conversation, string action) =>
        await (await page.RunAndWaitForDownloadAsync(() => ChooseAsync(page, conversation, action))).PathAsync();

    [GeneratedRegex(@"/c/[0-9a-f-]{36}$")]
    private static partial Regex AddressOfConversation();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
