using System.Linq.Expressions;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Prompts;

/// <summary>The demo gateway, PostgreSQL, and the Api twice: one that cancels what is stopped, one that drains it.</summary>
public sealed class PromptsFixture : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("prompts-");
    private DemoGatewayFactory _gatewayFactory = null!;
    private HttpClient _gateway = null!;
    private UsageIngestion _ingestion = null!;

    internal ApiFactory Api { get; private set; } = null!;

    /// <summary>Of pro, whose organisation is Demo.</summary>
    internal HttpClient Client { get; private set; } = null!;

    internal ApiFactory Draining { get; private set; } = null!;

    internal string GatewayUrl => _gateway.BaseAddress!.ToString();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _gatewayFactory = new DemoGatewayFactory(Path.Combine(_folder.FullName, "served.jsonl"));
        _gatewayFactory.UseKestrel();
        _gatewayFactory.StartServer();
        _gateway = _gatewayFactory.CreateClient();
        _gateway.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.Key);
        var ledger = await PostgresFixture.Shared.ReserveDatabaseAsync();
        Api = CreateApi(ledger, "Cancel");
        Client = await Api.CreateSignedInClientAsync();
        Draining = CreateApi(ledger, "Drain");
        _ingestion = ActivatorUtilities.CreateInstance<UsageIngestion>(Api.Services);
    }

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Draining.DisposeAsync();
        _gateway.Dispose();
        await _gatewayFactory.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>The only row that is so, once it is there: its reader may have left before it was settled.</summary>
    internal async Task<UsageRow> RowAsync(Expression<Func<UsageRow, bool>> isIt)
    {
        UsageRow? row = null;
        await Until.TrueAsync(async () =>
        {
            while (await _ingestion.IngestAsync(500, Token) is { Taken: > 0 })
            {
            }

            await using var scope = Api.Services.CreateAsyncScope();
            row = await scope.ServiceProvider.GetRequiredService<LedgerContext>().Usage.AsNoTracking().SingleOrDefaultAsync(isIt, Token);
            return row is not null;
        });
        return row!;
    }

    /// <summary>What the gateway says it served under a call's id, when it has ended.</summary>
    internal async Task<JsonElement> ServedAsync(Guid callId)
    {
        JsonElement call = default;
        await Until.TrueAsync(async () =>
        {
            var answer = await _gateway.GetFromJsonAsync<JsonElement>($"/_demo/served?call_id={callId}", Token);
            return answer.GetProperty("data").EnumerateArray().ToArray() is [var one] && (call = one).GetProperty("finished").GetBoolean();
        });
        return call;
    }

    internal async Task ReleaseAsync(string hold)
    {
        using var released = await _gateway.PostAsync(new Uri($"/_demo/release?name={hold}", UriKind.Relative), null, Token);
        released.EnsureSuccessStatusCode();
    }

    internal async Task<T> QueryAsync<T>(string sql)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(Api.Ledger!);
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Token))!;
    }

    private ApiFactory CreateApi(string ledger, string onStop) => new(GatewayUrl)
    {
        Ledger = ledger,
        Settings = { ["Usage:OnStop"] = onStop },
    };
}
