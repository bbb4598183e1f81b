using Microsoft.Playwright;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>How a page is looked at.</summary>
internal sealed record PageLook(ColorScheme Theme, int Width)
{
    private static readonly PageLook Usual = new(ColorScheme.Light, 1440);

    public static IReadOnlyList<PageLook> All { get; } = [Usual, new(ColorScheme.Light, 390), new(ColorScheme.Dark, 1440), new(ColorScheme.Dark, 390)];

    /// <summary>Each theme and each width once.</summary>
    public static IReadOnlyList<PageLook> Each { get; } = [Usual, new(ColorScheme.Dark, 390)];

    private string Paper => Theme == ColorScheme.Dark ? "rgb(20, 22, 20)" : "rgb(251, 250, 247)";

    public override string ToString() => $"{Theme}-{Width}".ToLowerInvariant();

    /// <summary>Has the browser show the page so, and does something then; it is as before afterwards.</summary>
    public async Task ShowAsync(IPage page, Func<Task> action)
    {
        await SetAsync(page);
        await action();
        await Usual.SetAsync(page);
    }

    private async Task SetAsync(IPage page)
    {
        await page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = Theme, ReducedMotion = ReducedMotion.Reduce });
        await page.SetViewportSizeAsync(Width, Width > 1000 ? 900 : 844);
        // The circuit hears of it.
        await page.WaitForFunctionAsync("paper => getComputedStyle(document.body).backgroundColor === paper", Paper);
        // Nothing is between two colours, or on its way.
        await page.EvaluateAsync("() => Promise.all(document.getAnimations().filter(one => one.effect.getTiming().iterations !== Infinity).map(one => one.finished.catch(() => {})))");
    }
}
