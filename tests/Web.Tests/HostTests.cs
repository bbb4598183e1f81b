using System.Net;
using System.Text.RegularExpressions;
using LlmAspire.Web.Layout;
using LlmAspire.Web.Models;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmAspire.Web.Tests;

public sealed partial class HostTests : IDisposable
{
    private readonly WebApplicationFactory<App> _application = new WebApplicationFactory<App>()
        .WithWebHostBuilder(builder => builder.ConfigureLogging(logging => logging.ClearProviders()));

    [Fact]
    public async Task the_page_loads_nothing_from_another_host()
    {
        using var client = _application.CreateClient();
        using var response = await client.GetAsync("/", TestContext.Current.CancellationToken);

        response.EnsureSuccessStatusCode();
        Assert.StartsWith("default-src 'self'", response.Headers.GetValues("Content-Security-Policy").First());
        Assert.All(response.Headers.GetValues("Content-Security-Policy"), policy => Assert.Contains("frame-ancestors 'none'", policy));
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
        var page = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var assets = Asset().Matches(page).Select(match => match.Groups[1].Value).ToList();
        Assert.True(assets.Count >= 6);
        foreach (var asset in assets)
        {
            Assert.DoesNotContain("//", asset);
            using var loaded = await client.GetAsync(asset, TestContext.Current.CancellationToken);
            Assert.True(loaded.IsSuccessStatusCode, asset);
        }
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    public async Task it_is_healthy_without_the_api(string path)
    {
        using var client = _application.CreateClient();

        Assert.Equal("""{"status":"Healthy","checks":{}}""", await client.GetStringAsync(path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task the_error_page_needs_no_circuit_and_names_the_trace()
    {
        using var client = _application.CreateClient();
        var page = await client.GetStringAsync("/error", TestContext.Current.CancellationToken);

        Assert.Contains("Something went wrong", page);
        Assert.Matches("trace id: <code>[0-9a-f]{32}</code>", page);
        Assert.DoesNotContain("<!--Blazor:{\"type\":\"server\"", page);
    }

    [Fact]
    public async Task an_unknown_address_is_404_with_a_page()
    {
        using var client = _application.CreateClient();
        using var response = await client.GetAsync("/no-such-page", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("There is no such page", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task without_a_safe_list_it_does_not_start_and_says_what_to_do()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddModels();
        using var host = builder.Build();

        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Contains("SafeMode:Models must name at least one model", exception.Message);
    }

    public void Dispose() => _application.Dispose();

    [GeneratedRegex("(?:src|<link rel=\"[^\"]*\"[^>]*href)=\"([^\"]+)\"")]
    private static partial Regex Asset();
}
