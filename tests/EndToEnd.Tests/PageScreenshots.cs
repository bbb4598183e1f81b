using Microsoft.Playwright;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>
/// Pictures of chats with tools, prompts, comparisons, races and settings, to be looked at, in <c>TestResults/pages</c> beside the test assembly: in light and dark, wide
/// and narrow. Run it by hand: <c>-explicit only -class '*PageScreenshots'</c>. Those of reports are <see cref="ReportScreenshots"/>.
/// </summary>
public sealed class PageScreenshots(StackFixture stack, BrowserFixture browser)
{
    [Fact(Explicit = true)]
    public async Task every_page_has_its_picture()
    {
        await using (var context = await browser.NewContextAsync(stack))
        {
            await new PageTour(await context.NewPageAsync(), TakeAsync).SeeEntranceAsync();
            var tour = new PageTour(await context.RegisterAsync("/register", BrowserSteps.NewMail(), "Bakers & Sons"), TakeAsync);
            await tour.SeeSettingsAsync();
            await tour.SeePromptsAsync();
        }

        await using (var context = await browser.NewContextAsync(stack))
        {
            var tour = new PageTour(await context.OpenChatAsync("enterprise"), TakeAsync);
            await tour.SeeToolsAsync();
            await tour.SeeComparisonsAsync();
        }
    }

    private static async Task TakeAsync(IPage page, string name)
    {
        foreach (var look in PageLook.All)
        {
            await look.ShowAsync(page, () => page.TakePictureAsync(Path.Combine("pages", $"{name}-{look}.png")));
        }
    }
}
