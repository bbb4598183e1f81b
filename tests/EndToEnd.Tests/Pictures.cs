using Microsoft.Playwright;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Takes pictures for people to look at.</summary>
internal static class Pictures
{
    /// <summary>Takes one of a page in its whole length, but for tables that scroll in themselves.</summary>
    public static async Task TakePictureAsync(this IPage page, string name)
    {
        // Until nothing moves any more: fonts, panels that slide in.
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        // The page scrolls inside of itself: so much is hidden of it.
        var hidden = await page.EvaluateAsync<int>("""
            () => Math.max(0, ...[...document.querySelectorAll('*')]
                .filter(element => ['auto', 'scroll'].includes(getComputedStyle(element).overflowY) && !element.matches('.table-scroll, .mud-popover *, .mud-popover, textarea'))
                .map(element => element.scrollHeight - element.clientHeight))
            """);
        var (width, height) = (page.ViewportSize!.Width, page.ViewportSize.Height);
        await page.SetViewportSizeAsync(width, height + hidden);
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Artifacts.PathOf(name), Animations = ScreenshotAnimations.Disabled });
        await page.SetViewportSizeAsync(width, height);
    }
}
