using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Api.Tests.Search;

/// <summary>The Api over a database that knows only the letters of ASCII, as each database may: <c>lower('Ä')</c> is <c>Ä</c> there.</summary>
public sealed class SearchFixture : IAsyncLifetime
{
    private TestGateway _gateway = null!;
    private ApiFactory _api = null!;
    private NpgsqlDataSource _source = null!;

    internal HttpClient Client { get; private set; } = null!;

    private Guid _organisation;
    private Guid _user;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _gateway = await TestGateway.StartAsync();
        var name = $"test_{Guid.NewGuid():N}";
        var server = await PostgresFixture.Shared.GetServerAsync();
        await using (var postgres = NpgsqlDataSource.Create(server.ConnectionStringFor("postgres")))
        {
            await using var create = postgres.CreateCommand($"CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C'");
            await create.ExecuteNonQueryAsync(Token);
        }

        _source = NpgsqlDataSource.Create(server.ConnectionStringFor(name));
        _api = new ApiFactory(_gateway.BaseUrl) { Ledger = server.ConnectionStringFor(name) };
        Client = await _api.CreateSignedInClientAsync("pro");
        var me = await Client.GetFromJsonAsync<JsonElement>("/identity/me", Token);
        (_organisation, _user) = (me.GetProperty("organisation").GetProperty("id").GetGuid(), me.GetProperty("id").GetGuid());
    }

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        await _api.DisposeAsync();
        await _gateway.DisposeAsync();
    }

    /// <summary>Stores a conversation, as chatting would.</summary>
    internal async Task<Guid> AddAsync(string title, params string[] messages)
    {
        var id = Guid.CreateVersion7();
        await using var command = _source.CreateCommand("""
            WITH made AS (
                INSERT INTO tenant.conversation (id, org_id, user_id, title, title_source, pinned, archived, created_at, updated_at)
                VALUES ($1, $2, $3, $4, 'user', false, false, now(), now()) RETURNING id)
            INSERT INTO tenant.message (id, conversation_id, org_id, user_id, role, content, status, created_at)
            SELECT gen_random_uuid(), made.id, $2, $3, 'assistant', content, 'complete', now() FROM made, unnest($5) AS content
            """);
        foreach (var value in (object[])[id, _organisation, _user, title, messages])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await command.ExecuteNonQueryAsync(Token);
        return id;
    }

    internal Task<JsonElement> SearchAsync(string search, string more = "") =>
        Client.GetFromJsonAsync<JsonElement>($"/conversations?search={Uri.EscapeDataString(search)}{more}", Token);

    /// <summary>The conversation in the first page of what is found; null when it is not there.</summary>
    internal async Task<JsonElement?> FindAsync(Guid conversation, string search) =>
        (await SearchAsync(search, "&limit=200")).GetProperty("items").EnumerateArray().Where(item => item.GetProperty("id").GetGuid() == conversation)
            .Select(item => (JsonElement?)item).SingleOrDefault();
}
