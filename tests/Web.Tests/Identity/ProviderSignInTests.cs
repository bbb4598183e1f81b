using System.Net;
using System.Text.RegularExpressions;
using LlmAspire.TestAuthority;
using LlmAspire.Web.Identity;
using LlmAspire.Web.Layout;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Web.Tests.Identity;

/// <summary>Signing in at an OpenID Connect provider, over HTTP, as a browser does it.</summary>
public sealed partial class ProviderSignInTests : IAsyncLifetime
{
    private const string SignIn = "/sign-in/provider";

    private static readonly AuthorityPerson Ada = new("ada", "engines", "Analytical Engines", Email: "ada@example.org");

    /// <summary>Just before an access token of the provider, good for an hour, has to be refreshed.</summary>
    private static readonly TimeSpan AlmostAnHour = TimeSpan.FromMinutes(59.5);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly HttpClient _browser = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private FakeApi _api = null!;
    private OpenIdAuthority _authority = null!;
    private WebApplicationFactory<App> _web = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _api = await FakeApi.StartAsync();
        _authority = await OpenIdAuthority.StartAsync();
        _authority.Put(Ada);
        _web = Start(_authority.Url);
    }

    public async ValueTask DisposeAsync()
    {
        await _web.DisposeAsync();
        await _authority.DisposeAsync();
        await _api.DisposeAsync();
        _browser.Dispose();
    }

    [Fact]
    public async Task who_signs_in_at_the_provider_comes_back_with_its_token()
    {
        using var client = Client();
        using var turnedAway = await client.GetAsync("/account", Token);
        var page = await client.GetStringAsync(turnedAway.Headers.Location, Token);
        var link = WebUtility.HtmlDecode(SignInLink().Match(page).Groups[1].Value);
        Assert.Equal($"{SignIn}?returnUrl=%2Faccount", link);

        using var signedIn = await SignInAsync(client, link);

        Assert.Equal("/account", PathOf(signedIn));
        using var shown = await client.GetAsync("/account", Token);
        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
        // Three parts: it is the provider's, the Api's are not.
        Assert.StartsWith("Bearer ", _api.Accounts.Seen);
        Assert.Equal(3, _api.Accounts.Seen!.Split('.').Length);
    }

    [Fact]
    public async Task the_code_is_worth_nothing_without_its_proof()
    {
        using var client = Client();
        using var sent = await client.GetAsync(SignIn, Token);

        Assert.StartsWith(_authority.Url, sent.Headers.Location!.ToString());
        Assert.Contains("response_type=code", sent.Headers.Location.Query);
        Assert.Contains("code_challenge_method=S256", sent.Headers.Location.Query);
        Assert.All(sent.Headers.GetValues("Set-Cookie"), cookie => Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    public async Task the_way_back_never_leads_to_another_host(string target)
    {
        using var client = Client();

        using var signedIn = await SignInAsync(client, $"{SignIn}?returnUrl={Uri.EscapeDataString(target)}");

        Assert.Equal("/", PathOf(signedIn));
    }

    [Fact]
    public async Task tokens_are_refreshed_at_the_provider_in_good_time()
    {
        using var client = Client();
        await SignInAsync(client);
        _time.Advance(AlmostAnHour);

        using var renewed = await client.GetAsync("/", Token);
        using var next = await client.GetAsync("/", Token);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (renewed.StatusCode, next.StatusCode));
        Assert.True(renewed.Headers.Contains("Set-Cookie"));
        Assert.Equal(1, _authority.Refreshes);
    }

    [Fact]
    public async Task whom_the_provider_knows_no_more_is_signed_out_and_told()
    {
        using var client = Client();
        await SignInAsync(client);
        _authority.Remove(Ada);
        _time.Advance(AlmostAnHour);

        using var ended = await client.GetAsync("/account", Token);

        Assert.Equal("/sign-in?returnUrl=%2Faccount&ended=true", ended.Headers.Location?.PathAndQuery);
    }

    [Fact]
    public async Task a_provider_that_is_away_signs_nobody_out()
    {
        using var client = Client();
        await SignInAsync(client);
        await _authority.DisposeAsync();
        _time.Advance(AlmostAnHour);

        using var shown = await client.GetAsync("/", Token);

        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
    }

    [Fact]
    public async Task a_provider_that_cannot_be_reached_is_said_on_the_sign_in_page()
    {
        await _authority.DisposeAsync();
        using var client = Client();

        using var back = await client.GetAsync($"{SignIn}?returnUrl=/account", Token);

        Assert.Equal("/sign-in?failure=ProviderAway&returnUrl=%2Faccount", PathOf(back));
        Assert.Contains("127.0.0.1 does not answer right now.", await client.GetStringAsync(PathOf(back), Token));
    }

    [Fact]
    public async Task whom_the_provider_refuses_is_told()
    {
        _authority.Remove(Ada);
        using var client = Client();

        using var back = await SignInAsync(client, $"{SignIn}?returnUrl=/account");

        Assert.Equal("/sign-in?failure=Denied&returnUrl=%2Faccount", PathOf(back));
        Assert.Contains("did not sign you in", await client.GetStringAsync(PathOf(back), Token));
    }

    [Theory]
    [InlineData(StatusCodes.Status403Forbidden, "NotKnown", "which organisation here is yours")]
    [InlineData(StatusCodes.Status503ServiceUnavailable, "ServiceAway", "The service does not answer")]
    public async Task whom_the_api_does_not_take_is_told(int status, string failure, string words)
    {
        _api.Accounts.Broken = status;
        using var client = Client();

        using var back = await SignInAsync(client);

        Assert.Equal($"/sign-in?failure={failure}&returnUrl=%2F", PathOf(back));
        Assert.Contains(words, await client.GetStringAsync(PathOf(back), Token));
    }

    [Fact]
    public async Task an_answer_that_nobody_asked_for_is_refused()
    {
        using var client = Client();

        using var back = await client.GetAsync("/signin-oidc?code=stolen&state=made-up", Token);

        Assert.StartsWith("/sign-in?failure=Broken", PathOf(back));
        Assert.Contains("Begin again.", await client.GetStringAsync(PathOf(back), Token));
    }

    [Fact]
    public async Task signing_out_ends_the_session_at_the_provider_too()
    {
        using var client = Client();
        await SignInAsync(client);
        var token = AntiforgeryToken().Match(await client.GetStringAsync("/sign-out", Token)).Groups[1].Value;
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["__RequestVerificationToken"] = token, ["_handler"] = "sign-out" });

        using var sent = await client.PostAsync("/sign-out", form, Token);
        Assert.StartsWith(_authority.Url, sent.Headers.Location!.ToString());
        // The browser only goes there because the policy of the page with the form lets it.
        Assert.Contains(
            $"form-action 'self' {_authority.Url.TrimEnd('/')};", string.Join(' ', sent.Headers.GetValues("Content-Security-Policy")));
        using var atProvider = await _browser.GetAsync(sent.Headers.Location, Token);
        using var back = await client.GetAsync(atProvider.Headers.Location!.PathAndQuery, Token);

        Assert.Equal("/sign-in", PathOf(back));
        Assert.Equal(1, _authority.SignOuts);
        using var after = await client.GetAsync("/", Token);
        Assert.Equal(HttpStatusCode.Redirect, after.StatusCode);
    }

    [Fact]
    public async Task a_provider_that_is_away_keeps_nobody_signed_in()
    {
        using var client = Client();
        await SignInAsync(client);
        var token = AntiforgeryToken().Match(await client.GetStringAsync("/sign-out", Token)).Groups[1].Value;
        await _authority.DisposeAsync();
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["__RequestVerificationToken"] = token, ["_handler"] = "sign-out" });

        using var sent = await client.PostAsync("/sign-out", form, Token);

        Assert.NotNull(sent.Headers.Location);
        using var after = await client.GetAsync("/", Token);
        Assert.Equal(HttpStatusCode.Redirect, after.StatusCode);
    }

    [Fact]
    public async Task accounts_are_not_made_here()
    {
        using var client = Client();

        var signIn = await client.GetStringAsync("/sign-in", Token);
        Assert.DoesNotContain("type=\"password\"", signIn);
        Assert.DoesNotContain("demo.local", signIn);
        foreach (var page in new[] { "/register", "/join?invitation=a" })
        {
            var closed = await client.GetStringAsync(page, Token);
            Assert.DoesNotContain("<form", closed);
            Assert.Contains("is managed at <b>127.0.0.1</b>, not here.", closed);
        }
    }

    [Fact]
    public async Task without_a_provider_there_is_no_way_to_it()
    {
        await using var web = Start(null);
        using var client = web.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false });

        using var missing = await client.GetAsync(SignIn, Token);
        using var callback = await client.GetAsync("/signin-oidc?code=a&state=b", Token);

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (missing.StatusCode, callback.StatusCode));
    }

    [Theory]
    [InlineData("login.example", "web", "Development", "Authentication:Authority")]
    [InlineData("http://login.example", "web", "Production", "Authentication:Authority")]
    [InlineData("https://login.example", "", "Production", "Authentication:ClientId")]
    public async Task a_provider_that_cannot_be_used_stops_the_start(string authority, string clientId, string environment, string named)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = environment });
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["Authentication:Authority"] = authority, ["Authentication:ClientId"] = clientId });
        builder.AddIdentity();
        using var host = builder.Build();

        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Token));

        Assert.Contains(named, refusal.Message);
    }

    private static string PathOf(HttpResponseMessage redirect)
    {
        Assert.Equal(HttpStatusCode.Redirect, redirect.StatusCode);
        var location = redirect.Headers.Location!;
        return location.IsAbsoluteUri ? location.PathAndQuery : location.OriginalString;
    }

    /// <summary>From here to the provider and back.</summary>
    private async Task<HttpResponseMessage> SignInAsync(HttpClient client, string address = SignIn)
    {
        using var sent = await client.GetAsync(address, Token);
        using var atProvider = await _browser.GetAsync(sent.Headers.Location, Token);
        return await client.GetAsync(atProvider.Headers.Location!.PathAndQuery, Token);
    }

    private HttpClient Client() => _web.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false });

    private WebApplicationFactory<App> Start(string? authority) => new WebApplicationFactory<App>().WithWebHostBuilder(builder =>
    {
        builder.UseEnvironment("Development");
        builder.UseSetting("services:api:http:0", _api.Address.ToString());
        builder.UseSetting("Authentication:Authority", authority);
        builder.UseSetting("Authentication:ClientId", "web");
        builder.UseSetting("Authentication:Parameters:login_hint", Ada.Subject);
        builder.ConfigureLogging(logging => logging.ClearProviders());
        builder.ConfigureTestServices(services => services.AddSingleton<TimeProvider>(_time));
    });

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"([^\"]+)\"")]
    private static partial Regex AntiforgeryToken();

    [GeneratedRegex("href=\"([^\"]+)\"[^>]*data-testid=\"sign-in\"")]
    private static partial Regex SignInLink();
}
