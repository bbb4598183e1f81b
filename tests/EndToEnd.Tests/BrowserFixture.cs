using LlmAspire.EndToEnd.Tests;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(BrowserFixture))]

namespace LlmAspire.EndToEnd.Tests;

/// <summary>A real Chromium: the one that is installed, else the one that Playwright fetches.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    private static readonly string[] Installed =
    [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        @"C:\Program Files\Google\Chrome\Application\chrome.exe",
    ];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public IBrowser Browser => _browser ?? throw new InvalidOperationException("The browser has not started.");

    public async ValueTask InitializeAsync()
    {
        var executable = Installed.FirstOrDefault(File.Exists);
        if (executable is null && Microsoft.Playwright.Program.Main(["install", "chromium"]) != 0)
        {
            throw new InvalidOperationException(
                "The end-to-end tests need a browser: Chromium is not installed, and Playwright could not fetch its own. "
                + "Install Chromium or Chrome (Debian: apt-get install chromium), then run the tests again.");
        }

        Console.WriteLine($"Browser: {executable ?? "Playwright's own Chromium"}");
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = executable,
            // Chromium's sandbox does not run as root, as in a container.
            Args = Environment.UserName == "root" ? ["--no-sandbox", "--disable-quic", "--disable-background-networking"] : [],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }
}
