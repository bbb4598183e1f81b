using System.Globalization;
using Aspire.Hosting.Testing;
using Microsoft.Playwright;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>What a lost connection, a reload and a look elsewhere leave of a page: what was typed, the reader's place, and a word of what is going on.</summary>
public sealed class PageSurvivalTests(StackFixture stack, BrowserFixture browser)
{
    [Fact]
    public async Task a_draft_survives_a_reload_and_a_look_at_another_conversation()
    {
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.RegisterAsync("/register", BrowserSteps.NewMail(), "Drafts");
        var box = page.GetByTestId("message-input");
        await box.FillAsync("A first thought");
        await page.ReloadAsync();
        await Assertions.Expect(box).ToHaveValueAsync("A first thought", Patiently);

        await box.FillAsync("Hello <<demo length=20 pace=0>>");
        await box.PressAsync("Enter");
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        await Assertions.Expect(box).ToHaveValueAsync("", Patiently);
        await box.FillAsync("A second thought");
        await page.GetByTestId("new-chat").ClickAsync();
        await Assertions.Expect(box).ToHaveValueAsync("", Patiently);
        await box.FillAsync("A third thought");
        await page.Locator("[data-testid=conversation] a").First.ClickAsync();
        await Assertions.Expect(box).ToHaveValueAsync("A second thought", Patiently);
        await page.ReloadAsync();
        await Assertions.Expect(box).ToHaveValueAsync("A second thought", Patiently);
        await page.GetByTestId("new-chat").ClickAsync();
        await Assertions.Expect(box).ToHaveValueAsync("A third thought", Patiently);

        // Neither is another version of a message, until it is given up.
        await page.Locator("[data-testid=conversation] a").First.ClickAsync();
        await page.GetByTestId("edit").ClickAsync();
        await page.GetByTestId("edit-input").FillAsync("Another version");
        await page.ReloadAsync();
        await page.GetByTestId("edit").ClickAsync();
        await Assertions.Expect(page.GetByTestId("edit-input")).ToHaveValueAsync("Another version", Patiently);
        await page.GetByText("Cancel").ClickAsync();
        await page.GetByTestId("edit").ClickAsync();
        await Assertions.Expect(page.GetByTestId("edit-input")).ToHaveValueAsync("Hello <<demo length=20 pace=0>>", Patiently);
    }

    [Fact]
    public async Task a_paste_beyond_the_limit_is_kept_whole_and_is_sent_when_it_is_shorter()
    {
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.RegisterAsync("/register", BrowserSteps.NewMail(), "Long pastes");
        var box = page.GetByTestId("message-input");
        var text = string.Concat(Enumerable.Repeat("word ", 200_000)) + "<<demo length=20 pace=0>>";
        await box.FocusAsync();
        await page.Keyboard.InsertTextAsync(text);

        Assert.Equal(text.Length, await box.EvaluateAsync<int>("box => box.value.length"));
        await Assertions.Expect(page.GetByTestId("too-long")).ToContainTextAsync("at most 32,000 characters. This one has 1,000,025", new() { Timeout = BrowserSteps.LongestMilliseconds });
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Artifacts.PathOf(Path.Combine("pages", "too-long.png")) });
        await box.PressAsync("Enter");
        await page.GetByTestId("send").ClickAsync();
        Assert.Equal(text.Length, await box.EvaluateAsync<int>("box => box.value.length"));

        await box.FillAsync(text[^20_000..]);
        await Assertions.Expect(page.GetByTestId("too-long")).ToHaveTextAsync("", new() { Timeout = BrowserSteps.LongestMilliseconds });
        await box.PressAsync("Enter");
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        Assert.Equal(1, await page.GetByTestId("question").CountAsync());
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1440)]
    [InlineData(ColorScheme.Light, 390)]
    [InlineData(ColorScheme.Dark, 1440)]
    [InlineData(ColorScheme.Dark, 390)]
    public async Task a_connection_that_goes_silent_is_told_and_what_was_typed_and_entered_meanwhile_is_sent_when_it_is_back(ColorScheme theme, int width)
    {
        await using var tunnel = new Tunnel(stack.Web);
        await using var context = await browser.NewContextAsync(tunnel.Address);
        var page = await context.RegisterAsync("/register", BrowserSteps.NewMail(), "Tunnels");
        await page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = theme });
        await page.SetViewportSizeAsync(width, 844);
        var box = page.GetByTestId("message-input");
        var notice = page.Locator("#components-reconnect-modal");
        await box.FillAsync("Hello <<demo length=1500 pace=0>>");
        await box.PressAsync("Enter");
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        await page.Locator("[data-scroller]").HoverAsync();
        await page.Mouse.WheelAsync(0, -900);
        await page.Locator("[data-away]").WaitForAsync();
        var place = await PlaceAsync(page);
        await box.PressSequentiallyAsync("Before, ");

        await page.EvaluateAsync(
            """
            () => {
                window.noticed = new Promise(noticed => document.getElementById('components-reconnect-modal').addEventListener(
                    'components-reconnect-state-changed', event => event.detail.state === 'show' && noticed(performance.now()), { once: true }));
            }
            """);
        var since = await page.EvaluateAsync<double>("() => performance.now()");
        tunnel.Silence();
        await Assertions.Expect(notice).ToBeVisibleAsync(new() { Timeout = BrowserSteps.LongestMilliseconds });
        var noticed = await page.EvaluateAsync<double>("() => window.noticed") - since;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The lost connection was told after {noticed:0} ms ({theme}, {width})."));
        Assert.NotEqual(
            await notice.EvaluateAsync<string>("notice => getComputedStyle(notice).backgroundColor"),
            await page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor"));
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Artifacts.PathOf(Path.Combine("pages", $"connection-lost-{theme}-{width}.png".ToLowerInvariant())) });
        await box.PressSequentiallyAsync("during <<demo length=20 pace=0>>");
        Assert.Equal(place, await PlaceAsync(page));
        await box.PressAsync("Enter");
        await Assertions.Expect(box).ToHaveValueAsync("Before, during <<demo length=20 pace=0>>", Patiently);

        tunnel.Open();
        await Assertions.Expect(notice).ToBeHiddenAsync(new() { Timeout = BrowserSteps.LongestMilliseconds });
        await page.Locator("[data-testid=answer][data-state=done]").Nth(1).WaitForAsync();
        Assert.Equal(["Hello <<demo length=1500 pace=0>>", "Before, during <<demo length=20 pace=0>>"], await page.GetByTestId("question").AllTextContentsAsync());
        await Assertions.Expect(box).ToHaveValueAsync("", Patiently);
    }

    [Fact]
    public async Task a_front_end_that_starts_anew_finds_the_draft_and_the_readers_place()
    {
        using var patience = BrowserSteps.Patience();
        var settings = new Dictionary<string, string>(await stack.GetServiceSettingsAsync(patience.Token))
        {
            ["services__api__http__0"] = stack.App.GetEndpoint("api", "http").ToString(),
        };
        using var web = new ServiceProcess("Web", settings);
        await web.WaitUntilHealthyAsync();
        await using var context = await browser.NewContextAsync(web.Address);
        var page = await context.RegisterAsync("/register", BrowserSteps.NewMail(), "Phoenix");
        var box = page.GetByTestId("message-input");
        await box.FillAsync("Hello <<demo length=1500 pace=0>>");
        await box.PressAsync("Enter");
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        await page.Locator("[data-scroller]").HoverAsync();
        await page.Mouse.WheelAsync(0, -900);
        await page.Locator("[data-away]").WaitForAsync();
        await box.FillAsync("A thought");
        var place = await PlaceAsync(page);
        await page.EvaluateAsync("() => window.isOld = true");

        web.Kill();
        await Assertions.Expect(page.Locator("#components-reconnect-modal")).ToBeVisibleAsync(new() { Timeout = BrowserSteps.LongestMilliseconds });
        using var next = new ServiceProcess("Web", new(settings) { ["ASPNETCORE_URLS"] = web.Address.ToString() });
        await next.WaitUntilHealthyAsync();

        await page.WaitForFunctionAsync("() => !window.isOld");
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        await Assertions.Expect(box).ToHaveValueAsync("A thought", Patiently);
        await page.WaitForFunctionAsync("place => Math.abs(document.querySelector('[data-scroller]').scrollTop - place) < 2", place);
        await box.FillAsync("Thanks <<demo length=20 pace=0>>");
        await box.PressAsync("Enter");
        await page.Locator("[data-testid=answer][data-state=done]").Nth(1).WaitForAsync();
    }

    private static LocatorAssertionsToHaveValueOptions Patiently => new() { Timeout = BrowserSteps.LongestMilliseconds };

    private static Task<double> PlaceAsync(IPage page) => page.EvaluateAsync<double>("() => document.querySelector('[data-scroller]').scrollTop");
}
