using System.Net;
using System.Text.RegularExpressions;
using LlmAspire.Web.Layout;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Web.Tests.Identity;

/// <summary>The static pages over HTTP, as a browser without scripts uses them.</summary>
public sealed partial class SignInTests : IAsyncLifetime
{
    private const string Cookie = "llmaspire.session";

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private FakeApi _api = null!;
    private WebApplicationFactory<App> _web = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _api = await FakeApi.StartAsync();
        _web = Start("Development");
    }

    public async ValueTask DisposeAsync()
    {
        await _web.DisposeAsync();
        await _api.DisposeAsync();
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/account")]
    [InlineData("/organisation")]
    [InlineData("/api-keys")]
    [InlineData("/usage")]
    [InlineData("/usage/calls")]
    [InlineData("/organisation/usage")]
    [InlineData("/operator/usage")]
    [InlineData("/operator/prices")]
    [InlineData("/operator/reconciliation")]
    [InlineData("/sign-out")]
    public async Task nobody_is_sent_to_the_sign_in_and_back(string page)
    {
        using var client = Client();
        using var turnedAway = await client.GetAsync(page, Token);
        Assert.Equal(HttpStatusCode.Redirect, turnedAway.StatusCode);
        var signIn = turnedAway.Headers.Location!.PathAndQuery;
        Assert.Equal($"/sign-in?returnUrl={Uri.EscapeDataString(page)}", signIn);

        using var signedIn = await SignInAsync(client, signIn);

        Assert.Equal(HttpStatusCode.Redirect, signedIn.StatusCode);
        Assert.Equal(page, PathOf(signedIn));
        using var shown = await client.GetAsync(page, Token);
        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    public async Task the_way_back_never_leads_to_another_host(string target)
    {
        using var client = Client();

        using var signedIn = await SignInAsync(client, $"/sign-in?returnUrl={Uri.EscapeDataString(target)}");

        Assert.Equal("/", PathOf(signedIn));
    }

    [Fact]
    public async Task the_cookie_is_for_the_browser_only_and_shows_no_token()
    {
        using var client = Client();
        using var signedIn = await SignInAsync(client);

        var cookie = Assert.Single(signedIn.Headers.GetValues("Set-Cookie"), value => value.StartsWith(Cookie, StringComparison.Ordinal));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("access-1", cookie);
        Assert.DoesNotContain("refresh-1", cookie);
    }

    [Fact]
    public async Task a_wrong_password_stays_on_the_page_and_says_what_to_do()
    {
        using var client = Client();
        using var refused = await PostAsync(client, "/sign-in", "sign-in", new() { ["Input.Email"] = FakeAccounts.Email, ["Input.Password"] = "wrong" });

        Assert.Equal(HttpStatusCode.OK, refused.StatusCode);
        var page = await refused.Content.ReadAsStringAsync(Token);
        Assert.Contains("E-mail or password is wrong.", page);
        Assert.Contains($"value=\"{FakeAccounts.Email}\"", page);
        Assert.DoesNotContain("value=\"wrong\"", page);
    }

    [Fact]
    public async Task empty_fields_are_named_without_asking_the_api()
    {
        using var client = Client();
        _api.Accounts.Broken = StatusCodes.Status500InternalServerError;
        using var refused = await PostAsync(client, "/sign-in", "sign-in", []);

        var page = await refused.Content.ReadAsStringAsync(Token);
        Assert.Contains("Enter your e-mail.", page);
        Assert.Contains("Enter your password.", page);
    }

    [Fact]
    public async Task an_api_that_is_away_is_said()
    {
        using var client = Client();
        _api.Accounts.Broken = StatusCodes.Status503ServiceUnavailable;
        using var refused = await SignInAsync(client);

        Assert.Contains("The service does not answer right now.", await refused.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task a_form_without_its_antiforgery_token_is_refused()
    {
        using var client = Client();
        using var refused = await client.PostAsync(
            "/sign-in",
            new FormUrlEncodedContent(new Dictionary<string, string> { ["_handler"] = "sign-in", ["Input.Email"] = FakeAccounts.Email, ["Input.Password"] = FakeAccounts.Password }),
            Token);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("out of date", await refused.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task tokens_are_refreshed_in_good_time_and_the_cookie_is_renewed()
    {
        using var client = Client();
        await SignInAsync(client);
        _time.Advance(TimeSpan.FromMinutes(14.5));

        using var renewed = await client.GetAsync("/", Token);

        Assert.Equal(HttpStatusCode.OK, renewed.StatusCode);
        Assert.Contains(renewed.Headers.GetValues("Set-Cookie"), value => value.StartsWith(Cookie, StringComparison.Ordinal));
        using var next = await client.GetAsync("/", Token);
        Assert.False(next.Headers.TryGetValues("Set-Cookie", out var cookies) && cookies.Any(value => value.StartsWith(Cookie, StringComparison.Ordinal)));
        Assert.Equal(1, _api.Accounts.Refreshes);
    }

    [Fact]
    public async Task another_process_goes_on_with_the_tokens_of_the_cookie()
    {
        using var client = Client();
        await SignInAsync(client);
        _time.Advance(TimeSpan.FromMinutes(14.5));
        using var renewed = await client.GetAsync("/", Token);
        var cookie = renewed.Headers.GetValues("Set-Cookie").First().Split(';')[0];
        await using var other = Start("Development", _web.Services.GetRequiredService<IDataProtectionProvider>());
        using var elsewhere = other.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false, HandleCookies = false });
        elsewhere.DefaultRequestHeaders.Add("Cookie", cookie);

        using var shown = await elsewhere.GetAsync("/", Token);

        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
        Assert.Equal(1, _api.Accounts.Refreshes);
    }

    [Fact]
    public async Task a_session_that_was_ended_elsewhere_asks_to_sign_in_again_and_says_why()
    {
        using var client = Client();
        await SignInAsync(client);
        _api.Accounts.Revoked = true;
        _time.Advance(TimeSpan.FromMinutes(14.5));

        using var ended = await client.GetAsync("/account", Token);

        Assert.Equal("/sign-in?returnUrl=%2Faccount&ended=true", ended.Headers.Location?.PathAndQuery);
        using var again = await client.GetAsync(ended.Headers.Location, Token);
        Assert.Contains("Your session has ended.", await again.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task an_api_that_is_away_signs_nobody_out()
    {
        using var client = Client();
        await SignInAsync(client);
        _api.Accounts.Broken = StatusCodes.Status503ServiceUnavailable;
        _time.Advance(TimeSpan.FromMinutes(14.5));

        using var shown = await client.GetAsync("/", Token);

        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
    }

    [Fact]
    public async Task signing_out_ends_the_session_at_the_api_and_here()
    {
        using var client = Client();
        await SignInAsync(client);
        using var signedOut = await PostAsync(client, "/sign-out", "sign-out", []);

        Assert.Equal("/sign-in", PathOf(signedOut));
        Assert.Equal(1, _api.Accounts.Logouts);
        using var after = await client.GetAsync("/", Token);
        Assert.Equal(HttpStatusCode.Redirect, after.StatusCode);
    }

    [Fact]
    public async Task a_cookie_that_was_kept_is_worth_nothing_after_signing_out()
    {
        using var client = Client();
        using var signedIn = await SignInAsync(client);
        var cookie = signedIn.Headers.GetValues("Set-Cookie").First(value => value.StartsWith(Cookie, StringComparison.Ordinal)).Split(';')[0];
        await PostAsync(client, "/sign-out", "sign-out", []);
        using var thief = _web.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false, HandleCookies = false });
        thief.DefaultRequestHeaders.Add("Cookie", cookie);

        using var refused = await thief.GetAsync("/", Token);

        Assert.Equal(HttpStatusCode.Redirect, refused.StatusCode);
    }

    [Fact]
    public async Task who_registers_is_signed_in()
    {
        using var client = Client();
        using var registered = await PostAsync(client, "/register", "register", new()
        {
            ["Input.Email"] = FakeAccounts.Email,
            ["Input.Password"] = FakeAccounts.Password,
            ["Input.Name"] = "Analytical Engines",
        });

        Assert.Equal("/", PathOf(registered));
        Assert.Equal(new FakeAccounts.RegisterBody(FakeAccounts.Email, FakeAccounts.Password, "Analytical Engines", null), _api.Accounts.Registered);
        using var shown = await client.GetAsync("/", Token);
        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
    }

    [Fact]
    public async Task who_was_invited_joins()
    {
        using var client = Client();
        using var joined = await PostAsync(client, "/join?invitation=a%2Btoken", "register", new()
        {
            ["Input.Email"] = FakeAccounts.Email,
            ["Input.Password"] = FakeAccounts.Password,
        });

        Assert.Equal("/", PathOf(joined));
        Assert.Equal(new FakeAccounts.RegisterBody(FakeAccounts.Email, FakeAccounts.Password, null, "a+token"), _api.Accounts.Registered);
    }

    [Theory]
    [InlineData("taken@example.org", "long enough, surely", "This e-mail has an account already.")]
    [InlineData("new@example.org", "short", "Enter at least 10 characters")]
    public async Task what_the_api_refuses_is_said_at_its_field(string email, string password, string words)
    {
        using var client = Client();
        using var refused = await PostAsync(client, "/register", "register", new()
        {
            ["Input.Email"] = email,
            ["Input.Password"] = password,
            ["Input.Name"] = "Analytical Engines",
        });

        Assert.Matches($"class=\"validation-message\">{Regex.Escape(words)}", await refused.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task in_development_one_click_signs_in_as_a_demo_account()
    {
        using var client = Client();
        using var signedIn = await PostAsync(client, "/sign-in", "demo", new() { ["Demo.Email"] = "pro@demo.local" });

        Assert.Equal("/", PathOf(signedIn));
    }

    [Fact]
    public async Task elsewhere_there_are_no_demo_accounts()
    {
        await using var production = Start("Production");
        using var client = production.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false, BaseAddress = new Uri("https://localhost") });

        var page = await client.GetStringAsync("/sign-in", Token);
        Assert.DoesNotContain("demo.local", page);
        using var refused = await PostAsync(client, "/sign-in", "sign-in", new() { ["_handler"] = "demo", ["Demo.Email"] = "pro@demo.local" });
        Assert.NotEqual(HttpStatusCode.Redirect, refused.StatusCode);
        Assert.Equal("access-0", _api.Accounts.Newest);
    }

    private static string PathOf(HttpResponseMessage redirect)
    {
        Assert.Equal(HttpStatusCode.Redirect, redirect.StatusCode);
        var location = redirect.Headers.Location!;
        return location.IsAbsoluteUri ? location.PathAndQuery : location.OriginalString;
    }

    private static Task<HttpResponseMessage> SignInAsync(HttpClient client, string address = "/sign-in") =>
        PostAsync(client, address, "sign-in", new() { ["Input.Email"] = FakeAccounts.Email, ["Input.Password"] = FakeAccounts.Password });

    /// <summary>Opens a page and sends one of its forms.</summary>
    private static async Task<HttpResponseMessage> PostAsync(HttpClient client, string address, string form, Dictionary<string, string> fields)
    {
        var page = await client.GetStringAsync(address, Token);
        fields["__RequestVerificationToken"] = AntiforgeryToken().Match(page).Groups[1].Value;
        fields.TryAdd("_handler", form);
        using var content = new FormUrlEncodedContent(fields);
        return await client.PostAsync(address, content, Token);
    }

    private HttpClient Client() => _web.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false });

    private WebApplicationFactory<App> Start(string environment, IDataProtectionProvider? keys = null) =>
        new WebApplicationFactory<App>().WithWebHostBuilder(builder =>
        {
            builder.UseEnvironment(environment);
            builder.UseSetting("services:api:http:0", _api.Address.ToString());
            builder.ConfigureLogging(logging => logging.ClearProviders());
            builder.ConfigureTestServices(services =>
            {
                services.AddSingleton<TimeProvider>(_time);
                if (keys is not null)
                {
                    services.AddSingleton(keys);
                }
            });
        });

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"([^\"]+)\"")]
    private static partial Regex AntiforgeryToken();
}
