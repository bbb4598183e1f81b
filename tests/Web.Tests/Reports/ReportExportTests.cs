using System.Net;
using System.Text.RegularExpressions;
using LlmAspire.Web.Layout;
using LlmAspire.Web.Tests.Identity;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Web.Tests.Reports;

/// <summary>Downloads through the front end, on a real server: what comes late comes late, and what breaks breaks.</summary>
public sealed partial class ReportExportTests : IAsyncLifetime
{
    private readonly TaskCompletionSource _rest = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FakeApi _api = null!;
    private WebApplicationFactory<App> _web = null!;
    private HttpClient _client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _api = await FakeApi.StartAsync();
        _web = new WebApplicationFactory<App>().WithWebHostBuilder(builder =>
        {
            builder.UseEnvironment("Development");
            builder.UseSetting("services:api:http:0", _api.Address.ToString());
            builder.ConfigureLogging(logging => logging.ClearProviders());
        });
        _web.UseKestrel(0);
        _web.StartServer();
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() }) { BaseAddress = _web.ClientOptions.BaseAddress };
    }

    public async ValueTask DisposeAsync()
    {
        _rest.TrySetResult();
        _client.Dispose();
        await _web.DisposeAsync();
        await _api.DisposeAsync();
    }

    [Fact]
    public async Task what_the_api_has_sent_arrives_before_the_rest_is_there()
    {
        await SignInAsync();
        _api.Other = _ => Task.FromResult(Results.Stream(
            async stream =>
            {
                await stream.WriteAsync("id,cost_usd\n"u8.ToArray());
                await stream.FlushAsync();
                await _rest.Task;
                await stream.WriteAsync("1,0.5\n"u8.ToArray());
            },
            "text/csv",
            "usage-2026-11.csv"));

        using var response = await _client.GetAsync("/usage/export?scope=all&model=a%26b&model=c&format=csv", HttpCompletionOption.ResponseHeadersRead, Token);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token));

        Assert.Equal("id,cost_usd", await reader.ReadLineAsync(Token));
        _rest.SetResult();
        Assert.Equal("1,0.5\n", await reader.ReadToEndAsync(Token));
        Assert.Equal("text/csv", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(("attachment", "usage-2026-11.csv"), (response.Content.Headers.ContentDisposition?.DispositionType, response.Content.Headers.ContentDisposition?.FileName));
        Assert.Equal("GET /usage/export?scope=all&model=a&b&model=c&format=csv", Assert.Single(_api.Asked));
    }

    [Fact]
    public async Task a_download_that_breaks_off_fails_and_looks_like_no_whole_file()
    {
        await SignInAsync();
        _api.Other = context => Task.FromResult(Results.Stream(async stream =>
        {
            await stream.WriteAsync("id,cost_usd\n"u8.ToArray());
            await stream.FlushAsync();
            await _rest.Task;
            context.Abort();
        }));
        using var response = await _client.GetAsync("/usage/export?format=csv", HttpCompletionOption.ResponseHeadersRead, Token);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token));
        Assert.Equal("id,cost_usd", await reader.ReadLineAsync(Token));

        _rest.SetResult();

        await Assert.ThrowsAnyAsync<IOException>(() => reader.ReadToEndAsync(Token));
    }

    [Theory]
    [InlineData("/usage/export?format=csv")]
    [InlineData("/operator/prices/export")]
    public async Task nobody_downloads_nothing(string address)
    {
        using var response = await _client.GetAsync(address, Token);

        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        Assert.Empty(_api.Asked);
    }

    [Fact]
    public async Task what_the_api_refuses_is_no_file()
    {
        await SignInAsync();
        _api.Other = _ => Task.FromResult(Results.Json(new { status = 403 }, statusCode: StatusCodes.Status403Forbidden));

        using var response = await _client.GetAsync("/usage/export?scope=all&format=csv", Token);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Null(response.Content.Headers.ContentDisposition);
    }

    [Fact]
    public async Task prices_come_as_a_file_with_a_name()
    {
        await SignInAsync();
        _api.Other = _ => Task.FromResult(Results.Json(new { exportedRevision = 12, changes = Array.Empty<object>() }));

        using var response = await _client.GetAsync("/operator/prices/export", Token);

        Assert.Equal("prices.json", response.Content.Headers.ContentDisposition?.FileName);
        Assert.Equal("""{"exportedRevision":12,"changes":[]}""", await response.Content.ReadAsStringAsync(Token));
        Assert.Equal("GET /prices/export", Assert.Single(_api.Asked));
    }

    private async Task SignInAsync()
    {
        var page = await _client.GetStringAsync("/sign-in", Token);
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["__RequestVerificationToken"] = AntiforgeryToken().Match(page).Groups[1].Value,
            ["_handler"] = "sign-in",
            ["Input.Email"] = FakeAccounts.Email,
            ["Input.Password"] = FakeAccounts.Password,
        });
        using var signedIn = await _client.PostAsync("/sign-in", form, Token);
        Assert.Equal(HttpStatusCode.Redirect, signedIn.StatusCode);
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"([^\"]+)\"")]
    private static partial Regex AntiforgeryToken();
}
