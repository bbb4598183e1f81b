using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Api.Tests.Identity;

/// <summary>An Api over a database of its own, for the tests of one class. Each test registers its own people.</summary>
public sealed class AccountsFixture : IAsyncLifetime
{
    public const string Password = "correct horse battery";

    internal TestGateway Gateway { get; private set; } = null!;

    internal string Database { get; private set; } = null!;

    internal ApiFactory Api { get; private set; } = null!;

    internal ShiftedTime Time { get; } = new();

    /// <summary>Sends no credentials.</summary>
    internal HttpClient Client { get; private set; } = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Gateway = await TestGateway.StartAsync();
        Database = await PostgresFixture.Shared.ReserveDatabaseAsync();
        Api = CreateApi();
        Client = await Api.CreateReadyClientAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Gateway.DisposeAsync();
    }

    /// <summary>Another process over the same database.</summary>
    internal ApiFactory CreateApi() => new(Gateway.BaseUrl)
    {
        Ledger = Database,
        Time = Time,
        Settings = { ["Identity:AttemptsPerAddress"] = "100000" },
    };

    internal static string NewEmail() => $"{Guid.NewGuid():N}@example.org";

    /// <summary>Somebody with an organisation of their own, or in that of an invitation, signed in.</summary>
    internal async Task<Person> RegisterAsync(string? invitation = null)
    {
        var email = NewEmail();
        using var registered = await Client.PostAsJsonAsync("/identity/register", invitation is null
            ? new { email, password = Password, organisationName = "Acme" }
            : (object)new { email, password = Password, invitation }, Token);
        Assert.Equal(HttpStatusCode.Created, registered.StatusCode);
        var me = await registered.Content.ReadFromJsonAsync<JsonElement>(Token);
        var tokens = await Client.SignInAsync(email, Password);
        return new Person(me.GetProperty("id").GetGuid(), me.GetProperty("organisation").GetProperty("id").GetGuid(), email, tokens, Client);
    }

    internal async Task<T> QueryAsync<T>(string sql)
    {
        await using var source = NpgsqlDataSource.Create(Database);
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Token))!;
    }
}

internal sealed record Tokens(string Access, string Refresh, int ExpiresIn);

internal sealed record Person(Guid Id, Guid Organisation, string Email, Tokens Tokens, HttpClient Client)
{
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null) => Client.SendAsync(method, path, Tokens.Access, body);

    public Task<HttpResponseMessage> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    /// <summary>Makes an invitation to this admin's organisation.</summary>
    /// <returns>Its token.</returns>
    public async Task<string> InviteAsync(string role = "member")
    {
        using var invited = await SendAsync(HttpMethod.Post, "/organisation/invitations", new { role });
        Assert.Equal(HttpStatusCode.Created, invited.StatusCode);
        return (await invited.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("token").GetString()!;
    }
}

internal static class AccountsClientExtensions
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<HttpResponseMessage> SendAsync(this HttpClient client, HttpMethod method, string path, string? bearer, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (bearer is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        }

        if (body is not null)
        {
            request.Content = JsonContent.Create(body);
        }

        return await client.SendAsync(request, Token);
    }

    public static async Task<Tokens> SignInAsync(this HttpClient client, string email, string password)
    {
        using var response = await client.PostAsJsonAsync("/identity/login", new { email, password }, Token);
        return await response.ReadTokensAsync();
    }

    public static async Task<Tokens> ReadTokensAsync(this HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var body = await response.Content.ReadFromJsonAsync<JsonElement>(Token);
        Assert.Equal("Bearer", body.GetProperty("tokenType").GetString());
        return new Tokens(body.GetProperty("accessToken").GetString()!, body.GetProperty("refreshToken").GetString()!, body.GetProperty("expiresIn").GetInt32());
    }

    public static async Task<JsonElement> ReadAsync(this HttpResponseMessage response, HttpStatusCode status = HttpStatusCode.OK)
    {
        Assert.Equal(status, response.StatusCode);
        return await response.Content.ReadFromJsonAsync<JsonElement>(Token);
    }

    /// <summary>The answer is this problem; its detail is returned.</summary>
    public static async Task<string> IsProblemAsync(this HttpResponseMessage response, HttpStatusCode status, string code)
    {
        Assert.Equal(status, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.Equal(code, problem.GetProperty("code").GetString());
        return problem.GetProperty("detail").GetString()!;
    }
}
