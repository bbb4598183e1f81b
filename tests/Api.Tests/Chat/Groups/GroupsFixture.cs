using LlmAspire.Api.Tests.Runs;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LlmAspire.Api.Tests.Chat.Groups;

/// <summary>The demo gateway and a database, for Apis that each test has as it needs them.</summary>
public class GroupsFixture : IAsyncLifetime
{
    private string? _database;

    internal DemoGatewayServer Gateway { get; } = new();

    /// <summary>Where the database is.</summary>
    protected virtual PostgresFixture Postgres => PostgresFixture.Shared;

    public async ValueTask InitializeAsync() => _database = await Postgres.ReserveDatabaseAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Starts another process of the Api, on a port of its own.</summary>
    internal async Task<GroupsApi> StartAsync(params (string Key, string Value)[] settings)
    {
        var api = new ApiFactory(Gateway.BaseUrl) { Ledger = _database, Settings = { [WebHostDefaults.ServerUrlsKey] = "http://127.0.0.1:0" } };
        foreach (var (key, value) in settings)
        {
            api.Settings[key] = value;
        }

        api.UseKestrel();
        api.StartServer();
        var first = await api.CreateSignedInClientAsync("enterprise");
        // The factory's own goes before the service has stopped.
        var client = new HttpClient { BaseAddress = first.BaseAddress };
        client.DefaultRequestHeaders.Authorization = first.DefaultRequestHeaders.Authorization;
        return new GroupsApi(api, client, Gateway);
    }
}

/// <summary>A process of the Api, and a client of it: of a person with the plan enterprise.</summary>
internal sealed class GroupsApi(ApiFactory api, HttpClient client, DemoGatewayServer gateway) : IAsyncDisposable
{
    private readonly UsageIngestion _ingestion = ActivatorUtilities.CreateInstance<UsageIngestion>(api.Services);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public HttpClient Client => client;

    public ApiFactory Api => api;

    /// <summary>Tells the service to stop, as the end of its process does.</summary>
    public void Stop() => api.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

    /// <summary>The rows of a request, by their models, when there are so many; each that is the provider's is held against what the gateway says it served.</summary>
    public async Task<List<UsageRow>> RowsAsync(Guid requestId, int count)
    {
        List<UsageRow> rows = [];
        await Until.TrueAsync(async () =>
        {
            while (await _ingestion.IngestAsync(500, Token) is { Taken: > 0 })
            {
            }

            await using var scope = api.Services.CreateAsyncScope();
            rows = await scope.ServiceProvider.GetRequiredService<LedgerContext>().Usage.AsNoTracking().Where(row => row.RequestId == requestId).ToListAsync(Token);
            return rows.Count >= count;
        });
        Assert.Equal(count, rows.Count);
        foreach (var row in rows.Where(row => row.Source == UsageSource.Provider))
        {
            Assert.Equal(
                (await gateway.ServedAsync(row.Id)).Tokens,
                new ServedTokens(row.PromptTokens, row.CompletionTokens, row.CachedPromptTokens ?? 0, row.CacheWriteTokens ?? 0, row.ReasoningTokens ?? 0));
        }

        return [.. rows.OrderBy(row => row.ModelAlias, StringComparer.Ordinal).ThenBy(row => row.Id)];
    }

    /// <summary>What is reserved for calls that are not over, and what was used this month.</summary>
    public async Task<(long Reserved, long Used)> AllowanceAsync()
    {
        await using var command = api.Services.GetRequiredService<Npgsql.NpgsqlDataSource>().CreateCommand(
            "SELECT coalesce(sum(reserved_tokens), 0)::bigint, coalesce(sum(used_tokens), 0)::bigint FROM ledger.allowance");
        await using var reader = await command.ExecuteReaderAsync(Token);
        await reader.ReadAsync(Token);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await api.DisposeAsync();
    }
}

internal static class GroupEventExtensions
{
    /// <summary>Reads until so many answers have said something, and returns what was read.</summary>
    public static Task<List<ReceivedEvent>> ReadUntilAllSpeakAsync(this IAsyncEnumerator<ReceivedEvent> events, int answers) =>
        events.ReadUntilAsync(read => read.Where(one => one.Type == "delta").Select(one => one.Id("runId")).Distinct().Count() == answers);

    /// <summary>Reads to the last event, that of the whole.</summary>
    public static Task<List<ReceivedEvent>> ReadToDoneAsync(this IAsyncEnumerator<ReceivedEvent> events) =>
        events.ReadUntilAsync(read => read[^1].Type == "done" && !read[^1].Data.TryGetProperty("runId", out _));

    /// <summary>How the answers ended, in the order of the models.</summary>
    public static List<string?> Statuses(this ReceivedEvent done) => [.. done.Answers("answers").Select(one => one.GetProperty("status").GetString())];

    /// <summary>Why answers failed, by their models.</summary>
    public static Dictionary<string, string?> Failures(this IEnumerable<ReceivedEvent> events) =>
        events.Where(one => one.Type == "error").ToDictionary(one => one.Data.GetProperty("model").GetString()!, one => one.Data.GetProperty("code").GetString());

    public static List<string?> Statuses(this System.Text.Json.JsonElement conversation) =>
        [.. conversation.Messages("assistant").Select(one => one.GetProperty("status").GetString())];
}
