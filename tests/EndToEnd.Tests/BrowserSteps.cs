using Microsoft.Playwright;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>What people do in a browser before anything else.</summary>
internal static class BrowserSteps
{
    /// <summary>Of everybody who registers here.</summary>
    public const string Password = "a few good words";

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>How long a step may take, for assertions, which do not know the time of their page.</summary>
    public static float LongestMilliseconds => (float)Longest.TotalMilliseconds;

    /// <summary>After this a test that waits fails instead of hanging.</summary>
    public static CancellationTokenSource Patience()
    {
        var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Longest);
        return patience;
    }

    /// <summary>A browser of its own, with no cookies.</summary>
    public static Task<IBrowserContext> NewContextAsync(this BrowserFixture browser, StackFixture stack) => browser.NewContextAsync(stack.Web);

    /// <inheritdoc cref="NewContextAsync(BrowserFixture, StackFixture)"/>
    /// <param name="web">The front end that relative addresses are of.</param>
    public static async Task<IBrowserContext> NewContextAsync(this BrowserFixture browser, Uri web)
    {
        var context = await browser.Browser.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = web.ToString(),
            ViewportSize = new ViewportSize { Width = 1440, Height = 900 },
        });
        context.SetDefaultTimeout(LongestMilliseconds);
        _ = WatchAsync(context, TestContext.Current.TestMethod?.MethodName);
        return context;
    }

    /// <summary>Keeps a picture of each page of a test that is about to wait in vain: nothing else tells what it saw.</summary>
    private static async Task WatchAsync(IBrowserContext context, string? test)
    {
        using var timer = new PeriodicTimer(Longest * 0.8);
        context.Close += (_, _) => timer.Dispose();
        while (await timer.WaitForNextTickAsync())
        {
            foreach (var (index, page) in context.Pages.Index())
            {
                try
                {
                    await page.ScreenshotAsync(new PageScreenshotOptions { Path = Artifacts.PathOf($"waiting-{test}-{index}.png") });
                }
                catch (PlaywrightException)
                {
                    // It was closed meanwhile.
                }
            }
        }
    }

    /// <summary>Signs in as a demo account, in a new tab with the chat.</summary>
    public static async Task<IPage> OpenChatAsync(this IBrowserContext context, string demoAccount = "pro")
    {
        var page = await context.NewPageAsync();
        await page.GotoAsync("/");
        await page.GetByTestId($"demo-{demoAccount}").ClickAsync();
        await page.GetByTestId("message-input").WaitForAsync();
        return page;
    }

    /// <summary>Of nobody yet.</summary>
    public static string NewMail() => $"{Guid.NewGuid():N}@example.org";

    /// <summary>Makes an account, in a new tab with the chat.</summary>
    /// <param name="address">The page, with an invitation perhaps.</param>
    /// <param name="organisation">The name of a new one; null for that of the invitation.</param>
    public static async Task<IPage> RegisterAsync(this IBrowserContext context, string address, string mail, string? organisation)
    {
        var page = await context.FillRegistrationAsync(address, mail, organisation);
        await page.GetByTestId("message-input").WaitForAsync();
        return page;
    }

    /// <summary>Sends the form of <see cref="RegisterAsync"/>, and does not wait for what comes.</summary>
    public static async Task<IPage> FillRegistrationAsync(this IBrowserContext context, string address, string mail, string? organisation)
    {
        var page = await context.NewPageAsync();
        await page.GotoAsync(address);
        await page.GetByTestId("email").FillAsync(mail);
        await page.GetByTestId("password").FillAsync(Password);
        if (organisation is not null)
        {
            await page.GetByTestId("name").FillAsync(organisation);
        }

        await page.GetByTestId("register").ClickAsync();
        return page;
    }
}
