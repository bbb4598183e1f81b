using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using LlmAspire.Api.OpenAi;
using Microsoft.Extensions.Configuration;

namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>What a browser asks for, and shows, on behalf of a page of another origin.</summary>
public class BrowserTests(BrowserTests.Fixture fixture) : IClassFixture<BrowserTests.Fixture>
{
    private const string Page = "https://app.example.com";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/v1/chat/completions", "POST", "authorization,content-type,x-stainless-arch,x-stainless-retry-count,openai-beta")]
    [InlineData("/v1/models", "GET", "authorization")]
    public async Task a_page_of_a_configured_origin_may_ask_without_a_key_whether_it_may(string path, string method, string headers)
    {
        using var answer = await AskAsync(path, Page, method, headers);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(Page, Header(answer, "Access-Control-Allow-Origin"));
        Assert.Contains(method, Header(answer, "Access-Control-Allow-Methods"), StringComparison.Ordinal);
        Assert.Equal(headers.Split(','), Header(answer, "Access-Control-Allow-Headers")!.Split(','));
        Assert.Equal("3600", Header(answer, "Access-Control-Max-Age"));
        Assert.Null(Header(answer, "Access-Control-Allow-Credentials"));
    }

    [Theory]
    [InlineData("https://other.example.com")]
    [InlineData("http://app.example.com")]
    [InlineData("https://app.example.com:8443")]
    [InlineData("https://app.example.com.evil.example")]
    [InlineData("null")]
    public async Task a_page_of_another_origin_may_not(string origin)
    {
        using var asked = await AskAsync("/v1/chat/completions", origin, "POST", "authorization");
        using var sent = await SendAsync("/v1/models", await fixture.CreateKeyAsync(), origin: origin);

        Assert.Null(Header(asked, "Access-Control-Allow-Origin"));
        Assert.Null(Header(sent, "Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task other_addresses_are_for_no_page()
    {
        using var asked = await AskAsync("/llm/models", Page, "GET", "authorization");
        Assert.Null(Header(asked, "Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task an_answer_is_shown_to_the_page_with_the_headers_that_clients_read(bool stream)
    {
        using var answer = await SendAsync("/v1/chat/completions", await fixture.CreateKeyAsync(), new { model = "chat-default", stream, messages = new[] { new { role = "user", content = "Hi" } } });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        AssertIsShown(answer);
    }

    [Fact]
    public async Task errors_are_shown_to_the_page_too()
    {
        using var withoutKey = await SendAsync("/v1/models", null);
        await withoutKey.IsErrorAsync(HttpStatusCode.Unauthorized, "invalid_api_key");
        AssertIsShown(withoutKey);

        var key = await fixture.CreateKeyAsync();
        using var unknownModel = await SendAsync("/v1/chat/completions", key, new { model = "nope", messages = new[] { new { role = "user", content = "Hi" } } });
        await unknownModel.IsErrorAsync(HttpStatusCode.NotFound, "model_not_found", param: "model");
        AssertIsShown(unknownModel);

        using var unknownAddress = await SendAsync("/v1/nothing", key);
        Assert.Equal(HttpStatusCode.NotFound, unknownAddress.StatusCode);
        AssertIsShown(unknownAddress);

        var limited = await fixture.CreateKeyAsync("enterprise");
        using var first = await SendAsync("/v1/models", limited);
        using var tooMany = await SendAsync("/v1/models", limited);
        await tooMany.IsErrorAsync(HttpStatusCode.TooManyRequests, "rate_limit_exceeded", "requests");
        AssertIsShown(tooMany);
        Assert.NotNull(tooMany.Headers.RetryAfter);
    }

    [Fact]
    public async Task a_service_that_is_not_ready_says_so_to_the_page()
    {
        await using var api = new ApiFactory($"http://127.0.0.1:{TestGateway.FreePort()}") { Ledger = "Host=127.0.0.1;Port=1", Settings = { ["OpenAi:AllowedOrigins:0"] = Page } };
        using var client = api.CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Headers = { { "Origin", Page } } };
        using var answer = await client.SendAsync(request, Token);

        await answer.IsErrorAsync(HttpStatusCode.ServiceUnavailable, "accounts_starting", "server_error");
        AssertIsShown(answer);
    }

    [Fact]
    public async Task without_configured_origins_no_page_may()
    {
        await using var api = new ApiFactory(fixture.Gateway.BaseUrl);
        using var client = api.CreateClient();
        using var request = Preflight("/v1/models", Page, "GET", "authorization");
        using var answer = await client.SendAsync(request, Token);

        Assert.Null(Header(answer, "Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("https://app.example.com", true)]
    [InlineData("http://localhost:5173", true)]
    [InlineData("http://[::1]:5173", true)]
    [InlineData("app://obsidian.md", true)]
    [InlineData("*", false)]
    [InlineData("https://*.example.com", false)]
    [InlineData("https://app.example.com/", false)]
    [InlineData("https://app.example.com/page", false)]
    [InlineData("https://app.example.com:443", false)]
    [InlineData("https://App.example.com", false)]
    [InlineData("https://b\u00fccher.example", false)]
    [InlineData("https://me@app.example.com", false)]
    [InlineData("app.example.com", false)]
    [InlineData("null", false)]
    [InlineData("", false)]
    public void an_origin_is_one_that_a_browser_sends(string origin, bool possible)
    {
        var options = new ConfigurationBuilder().AddInMemoryCollection([new("OpenAi:AllowedOrigins:0", origin)]).Build().GetSection(OpenAiOptions.Section).Get<OpenAiOptions>()!;

        Assert.Equal([origin], options.AllowedOrigins);
        Assert.Equal(possible, options.AreOriginsPossible);
    }

    private static HttpRequestMessage Preflight(string path, string origin, string method, string headers) => new(HttpMethod.Options, path)
    {
        Headers = { { "Origin", origin }, { "Access-Control-Request-Method", method }, { "Access-Control-Request-Headers", headers } },
    };

    private static void AssertIsShown(HttpResponseMessage answer)
    {
        Assert.Equal(Page, Header(answer, "Access-Control-Allow-Origin"));
        var exposed = Header(answer, "Access-Control-Expose-Headers")!.Split(',');
        Assert.All(["x-request-id", "retry-after", "x-ratelimit-remaining-requests", "x-should-retry"], name => Assert.Contains(name, exposed));
    }

    private static string? Header(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;

    private async Task<HttpResponseMessage> AskAsync(string path, string origin, string method, string headers)
    {
        using var request = Preflight(path, origin, method, headers);
        return await fixture.Client.SendAsync(request, Token);
    }

    private async Task<HttpResponseMessage> SendAsync(string path, TestKey? key, object? body = null, string origin = Page)
    {
        using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path);
        request.Content = body is null ? null : JsonContent.Create(body);
        request.Headers.Add("Origin", origin);
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key.Secret);
        return await fixture.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
    }

    public sealed class Fixture : OpenAiFixture
    {
        protected override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
        {
            ["OpenAi:AllowedOrigins:0"] = "http://localhost:5173",
            ["OpenAi:AllowedOrigins:1"] = Page,
            ["Plans:Enterprise:RequestsPerMinute"] = "1",
        };
    }
}
