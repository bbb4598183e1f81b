using System.Net;
using System.Net.Http.Json;
using LlmAspire.TestPostgres;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmAspire.Api.Tests.Identity;

public class AccountsInstallationTests
{
    private const string Operator = "root@example.org";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task in_development_the_demo_accounts_sign_in()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync() };
        var client = await api.CreateReadyClientAsync();

        var seen = new List<string>();
        foreach (var name in new[] { "basic", "pro", "enterprise", "operator", "rival" })
        {
            var tokens = await client.SignInAsync($"{name}@demo.local", "Demo-1234!");
            using var answer = await client.SendAsync(HttpMethod.Get, "/identity/me", tokens.Access);
            var me = await answer.ReadAsync();
            seen.Add($"{name} {me.GetProperty("organisation").GetProperty("name").GetString()} {me.GetProperty("role").GetString()} "
                + $"{me.GetProperty("plan").GetString()} {me.GetProperty("operator").GetBoolean()}");
        }

        Assert.Equal(
            [
                "basic Demo member basic False", "pro Demo admin pro False", "enterprise Demo member enterprise False",
                "operator Demo member enterprise True", "rival Rival admin pro False",
            ],
            seen);
    }

    [Fact]
    public async Task elsewhere_there_are_no_demo_accounts()
    {
        await using var gateway = await TestGateway.StartAsync();
        var database = await PostgresFixture.Shared.ReserveDatabaseAsync();
        await using var api = Production(gateway, database);
        var client = await api.CreateReadyClientAsync();

        using var login = await client.PostAsJsonAsync("/identity/login", new { email = "operator@demo.local", password = "Demo-1234!" }, Token);

        await login.IsProblemAsync(HttpStatusCode.Unauthorized, "credentials_wrong");
        Assert.Equal(0L, await QueryAsync<long>(database, "SELECT count(*) FROM tenant.account"));
    }

    [Fact]
    public async Task instances_that_start_at_once_on_an_empty_server_make_one_first_operator_and_one_key_ring()
    {
        await using var gateway = await TestGateway.StartAsync();
        var database = await PostgresFixture.Shared.ReserveDatabaseAsync();
        await using var first = Production(gateway, database, Operator, "operators have long ones");
        await using var second = Production(gateway, database, Operator, "operators have long ones");
        var clients = await Task.WhenAll(Task.Run(() => first.CreateReadyClientAsync()), Task.Run(() => second.CreateReadyClientAsync()));

        var tokens = await clients[0].SignInAsync(Operator, "operators have long ones");
        using var me = await clients[1].SendAsync(HttpMethod.Get, "/identity/me", tokens.Access);

        Assert.True((await me.ReadAsync()).GetProperty("operator").GetBoolean());
        Assert.Equal(1L, await QueryAsync<long>(database, "SELECT count(*) FROM tenant.account"));
        Assert.Equal(1L, await QueryAsync<long>(database, "SELECT count(*) FROM tenant.data_protection_key"));
        Assert.DoesNotContain(first.Logs.Entries.Concat(second.Logs.Entries), entry => entry.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task who_registered_with_the_operators_e_mail_does_not_become_operator()
    {
        await using var gateway = await TestGateway.StartAsync();
        var database = await PostgresFixture.Shared.ReserveDatabaseAsync();
        await using (var before = Production(gateway, database))
        {
            var stranger = await before.CreateReadyClientAsync();
            using var registered = await stranger.PostAsJsonAsync(
                "/identity/register", new { email = Operator, password = "i was here first", organisationName = "x" }, Token);
            Assert.Equal(HttpStatusCode.Created, registered.StatusCode);
        }

        await using var api = Production(gateway, database, Operator, "operators have long ones");
        await api.CreateReadyClientAsync();

        Assert.Equal(0L, await QueryAsync<long>(database, "SELECT count(*) FROM tenant.account WHERE is_operator"));
        Assert.Contains(api.Logs.Entries, entry => entry.Level == LogLevel.Error && entry.Text.Contains("Identity:Operator", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Identity:AttemptsPerAddress", "3", "/identity/login")]
    [InlineData("Identity:AttemptsPerAddress", "3", "/identity/register")]
    [InlineData("Identity:AttemptsPerAddress", "3", "/identity/refresh")]
    [InlineData("Identity:AttemptsPerEmail", "3", "/identity/login")]
    [InlineData("Identity:AttemptsPerEmail", "3", "/identity/register")]
    public async Task attempts_beyond_the_limit_are_429_and_say_when_to_try_again(string setting, string limit, string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = Production(gateway, await PostgresFixture.Shared.ReserveDatabaseAsync());
        api.Settings[setting] = limit;
        var client = await api.CreateReadyClientAsync();
        var body = new { email = "somebody@example.org", password = "guessed password", organisationName = "Acme" };

        var answers = new List<HttpResponseMessage>();
        for (var attempt = 0; attempt < 4; attempt++)
        {
            answers.Add(await client.PostAsJsonAsync(path, body, Token));
        }

        Assert.All(answers[..3], answer => Assert.NotEqual(HttpStatusCode.TooManyRequests, answer.StatusCode));
        await answers[3].IsProblemAsync(HttpStatusCode.TooManyRequests, "too_many_attempts");
        Assert.InRange(answers[3].Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        // Another e-mail is another matter, from the same address it is not.
        using var other = await client.PostAsJsonAsync(path, body with { email = "other@example.org" }, Token);
        Assert.Equal(setting == "Identity:AttemptsPerAddress", other.StatusCode == HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task while_the_database_is_away_known_tokens_count_and_everything_else_is_503()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var postgres = new PostgresFixture();
        var database = await postgres.ReserveDatabaseAsync();
        var server = await postgres.GetServerAsync();
        await server.StopAsync();
        await using var api = Production(gateway, database, Operator, "operators have long ones");
        var client = api.CreateClient();

        foreach (var path in new[] { "/identity/me", "/llm/models", "/health" })
        {
            using var early = await client.GetAsync(path, Token);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, early.StatusCode);
        }

        using var tooEarly = await client.GetAsync("/llm/models", Token);
        await tooEarly.IsProblemAsync(HttpStatusCode.ServiceUnavailable, "accounts_starting");
        Assert.NotNull(tooEarly.Headers.RetryAfter?.Delta);

        await server.StartAsync(Token);
        await Until.TrueAsync(async () => (await client.GetAsync("/health", Token)).IsSuccessStatusCode);
        var known = await client.SignInAsync(Operator, "operators have long ones");
        using var before = await client.SendAsync(HttpMethod.Get, "/llm/models", known.Access);
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        await server.StopAsync();
        using var unknown = await client.SendAsync(HttpMethod.Get, "/llm/models", "llma_whatever");
        await unknown.IsProblemAsync(HttpStatusCode.ServiceUnavailable, "database_unavailable");
        Assert.NotNull(unknown.Headers.RetryAfter?.Delta);

        // Beyond the five seconds in which it would not be read anyway.
        ((ShiftedTime)api.Time!).Advance(TimeSpan.FromSeconds(5));
        using var during = await client.SendAsync(HttpMethod.Get, "/llm/models", known.Access);
        Assert.Equal(HttpStatusCode.OK, during.StatusCode);
    }

    private static ApiFactory Production(TestGateway gateway, string database, string? operatorEmail = null, string? operatorPassword = null)
    {
        var api = new ApiFactory(gateway.BaseUrl) { Ledger = database, Environment = "Production", Time = new ShiftedTime() };
        if (operatorEmail is not null)
        {
            api.Settings["Identity:Operator:Email"] = operatorEmail;
            api.Settings["Identity:Operator:Password"] = operatorPassword!;
        }

        return api;
    }

    private static async Task<T> QueryAsync<T>(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Token))!;
    }
}
