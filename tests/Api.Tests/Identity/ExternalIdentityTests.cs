using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using LlmAspire.Api.Identity;
using LlmAspire.TestAuthority;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Api.Tests.Identity;

/// <summary>People sign in at an OpenID Connect provider, OpenIddict in these tests.</summary>
public sealed class ExternalIdentityTests : IAsyncLifetime
{
    private TestGateway _gateway = null!;
    private OpenIdAuthority _authority = null!;
    private ApiFactory _api = null!;
    private HttpClient _client = null!;
    private string _database = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _gateway = await TestGateway.StartAsync();
        _authority = await OpenIdAuthority.StartAsync();
        _database = await PostgresFixture.Shared.ReserveDatabaseAsync();
        _api = CreateApi(_authority.Url);
        _client = await _api.CreateReadyClientAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _api.DisposeAsync();
        await _authority.DisposeAsync();
        await _gateway.DisposeAsync();
    }

    [Fact]
    public async Task who_comes_first_gets_an_account_and_an_organisation_and_keeps_them()
    {
        var person = new AuthorityPerson("anna", "acme", "Acme Ltd", ["admin", "something-else"], "pro", "anna@acme.example");

        var first = await MeAsync(await _authority.SignInAsync(person));
        var second = await MeAsync(await _authority.SignInAsync(person));

        Assert.Equal(first.GetRawText(), second.GetRawText());
        Assert.Equal("anna@acme.example", first.GetProperty("email").GetString());
        Assert.Equal("Acme Ltd", first.GetProperty("organisation").GetProperty("name").GetString());
        Assert.Equal("admin", first.GetProperty("role").GetString());
        Assert.Equal("pro", first.GetProperty("plan").GetString());
        Assert.False(first.GetProperty("operator").GetBoolean());
    }

    [Fact]
    public async Task what_the_next_token_says_counts_at_once()
    {
        var before = await MeAsync(await _authority.SignInAsync(new("bob", "acme", Roles: ["admin", "operator"], Plan: "enterprise")));
        var after = await MeAsync(await _authority.SignInAsync(new("bob", "other")));

        Assert.Equal(before.GetProperty("id").GetGuid(), after.GetProperty("id").GetGuid());
        Assert.True(before.GetProperty("operator").GetBoolean());
        Assert.False(after.GetProperty("operator").GetBoolean());
        Assert.Equal("member", after.GetProperty("role").GetString());
        // Without a plan of the person that of the organisation counts.
        Assert.Equal("basic", after.GetProperty("plan").GetString());
        Assert.Equal("other", after.GetProperty("organisation").GetProperty("name").GetString());
        Assert.NotEqual(
            before.GetProperty("organisation").GetProperty("id").GetGuid(), after.GetProperty("organisation").GetProperty("id").GetGuid());
    }

    [Fact]
    public async Task a_crowd_that_comes_first_at_once_makes_one_organisation_and_one_account_each()
    {
        await using var replica = CreateApi(_authority.Url);
        HttpClient[] clients = [_client, await replica.CreateReadyClientAsync()];
        var tokens = new List<string>();
        for (var person = 0; person < 5; person++)
        {
            tokens.Add(await _authority.SignInAsync(new($"crowd-{person}", "crowd")));
        }

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(number => MeAsync(tokens[number % tokens.Count], clients[number % 2])));

        Assert.Single(answers.Select(me => me.GetProperty("organisation").GetProperty("id").GetGuid()).Distinct());
        Assert.Equal(tokens.Count, answers.Select(me => me.GetProperty("id").GetGuid()).Distinct().Count());
    }

    [Fact]
    public async Task tokens_that_are_not_for_this_installation_are_refused()
    {
        await using var stranger = await OpenIdAuthority.StartAsync();
        var person = new AuthorityPerson("carl", "acme");
        string[] bad =
        [
            await _authority.SignInAsync(person, audience: "another-product"),
            await _authority.SignInAsync(person, lifetime: TimeSpan.FromMinutes(-1)),
            await _authority.SignInAsync(person with { Organisation = null }),
            await stranger.SignInAsync(person),
            (await _authority.SignInAsync(person))[..^4] + "AAAA",
            "nonsense",
        ];

        foreach (var token in bad)
        {
            using var refused = await _client.SendAsync(HttpMethod.Get, "/identity/me", token);
            await refused.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
        }

        using var without = await _client.GetAsync("/identity/me", Cancellation);
        await without.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
    }

    [Theory]
    [InlineData("/identity/register")]
    [InlineData("/identity/login")]
    [InlineData("/identity/refresh")]
    [InlineData("/identity/logout")]
    [InlineData("/identity/password")]
    [InlineData("/organisation/invitations")]
    public async Task what_the_provider_manages_is_not_managed_here(string path)
    {
        var token = await _authority.SignInAsync(new("dora", "acme", Roles: ["admin"]));

        using var refused = await _client.SendAsync(HttpMethod.Post, path, token, new { email = "pro@demo.local", password = "Demo-1234!" });

        Assert.Contains(_authority.Url, await refused.IsProblemAsync(HttpStatusCode.Conflict, "managed_elsewhere"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task there_are_no_demo_accounts()
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var command = source.CreateCommand("SELECT count(*) FROM tenant.account");

        Assert.Equal(0L, await command.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task an_api_key_stands_for_its_owner()
    {
        var token = await _authority.SignInAsync(new("emma", "acme", Plan: "pro"));
        using var made = await _client.SendAsync(HttpMethod.Post, "/identity/api-keys", token, new { name = "laptop" });
        var key = (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("key").GetString()!;

        var me = await MeAsync(key);

        Assert.Equal((await MeAsync(token)).GetProperty("id").GetGuid(), me.GetProperty("id").GetGuid());
        Assert.Equal("pro", me.GetProperty("plan").GetString());
    }

    [Fact]
    public async Task a_provider_that_is_away_is_no_wrong_token()
    {
        var port = FreePort();
        await using var api = CreateApi($"http://127.0.0.1:{port}/");
        using var client = await api.CreateReadyClientAsync();
        var token = await _authority.SignInAsync(new("fred", "acme"));

        using var away = await client.SendAsync(HttpMethod.Get, "/identity/me", token);
        await away.IsProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_provider_unavailable");
        Assert.NotNull(away.Headers.RetryAfter);

        await using var authority = await OpenIdAuthority.StartAsync(port);
        var good = await authority.SignInAsync(new("fred", "acme"));
        await Until.TrueAsync(async () =>
        {
            using var answer = await client.SendAsync(HttpMethod.Get, "/identity/me", good);
            return answer.StatusCode == HttpStatusCode.OK;
        });
    }

    [Theory]
    [InlineData("login.example", "Development")]
    [InlineData("ftp://login.example", "Development")]
    [InlineData("http://login.example", "Production")]
    public void an_authority_that_cannot_be_trusted_stops_the_start(string authority, string environment)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = environment });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Authentication:Authority"] = authority,
            ["ConnectionStrings:llm"] = "Host=127.0.0.1;Port=1",
        });
        builder.AddLedger();
        builder.AddAccounts();
        using var host = builder.Build();

        var exception = Assert.Throws<OptionsValidationException>(host.Services.GetRequiredService<IStartupValidator>().Validate);

        Assert.Contains("Authentication:Authority", exception.Message, StringComparison.Ordinal);
    }

    private ApiFactory CreateApi(string authority) => new(_gateway.BaseUrl)
    {
        Ledger = _database,
        Settings = { ["Authentication:Authority"] = authority },
    };

    private async Task<JsonElement> MeAsync(string token, HttpClient? client = null)
    {
        using var answer = await (client ?? _client).SendAsync(HttpMethod.Get, "/identity/me", token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.ReadAsync();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
