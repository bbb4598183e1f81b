using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Tools;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Tools;

/// <summary>The demo gateway, PostgreSQL, and the Api with tools that do what a test needs.</summary>
public sealed class ToolsFixture : IAsyncLifetime
{
    /// <summary>What a tool that fails says; nobody else must.</summary>
    internal const string Secret = "password=hunter2";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tools-");
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _waiting = new();
    private readonly ConcurrentDictionary<string, CountdownEvent> _meetings = new();
    private DemoGatewayFactory _gatewayFactory = null!;
    private UsageIngestion _ingestion = null!;

    internal ApiFactory Api { get; private set; } = null!;

    /// <summary>Of a person with the plan pro.</summary>
    internal HttpClient Client { get; private set; } = null!;

    private HttpClient Gateway { get; set; } = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _gatewayFactory = new DemoGatewayFactory(Path.Combine(_folder.FullName, "served.jsonl"));
        _gatewayFactory.UseKestrel();
        _gatewayFactory.StartServer();
        Gateway = _gatewayFactory.CreateClient();
        Gateway.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.Key);
        Api = new ApiFactory(Gateway.BaseAddress!.ToString())
        {
            Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync(),
            Settings =
            {
                ["Tools:MaxRounds"] = "3",
                ["Tools:Settings:endless:Timeout"] = "00:00:00.050",
                ["Plans:Pro:ConcurrentRuns"] = "100",
                ["Plans:Basic:ConcurrentRuns"] = "100",
            },
            Replace = AddTools,
        };
        Client = await Api.CreateSignedInClientAsync("pro");
        _ingestion = ActivatorUtilities.CreateInstance<UsageIngestion>(Api.Services);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Api.DisposeAsync();
        Gateway.Dispose();
        await _gatewayFactory.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>Ends when the tool <c>waiting</c> was called with this key.</summary>
    internal Task IsCalledAsync(string key) => Until.TrueAsync(() => _waiting.ContainsKey(key));

    /// <summary>Lets the tool <c>waiting</c> return.</summary>
    internal void GoOn(string key) => _waiting[key].TrySetResult();

    /// <summary>The rows of a request, in the order of the calls.</summary>
    internal async Task<List<UsageRow>> RowsAsync(Guid requestId)
    {
        while (await _ingestion.IngestAsync(500, Token) is { Taken: > 0 })
        {
        }

        await using var scope = Api.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<LedgerContext>().Usage.AsNoTracking()
            .Where(row => row.RequestId == requestId).OrderBy(row => row.Id).ToListAsync(Token);
    }

    /// <summary>Prompt and completion tokens that the gateway served under a call's id.</summary>
    internal async Task<(long Prompt, long Completion)> ServedAsync(Guid callId)
    {
        while (true)
        {
            var answer = await Gateway.GetFromJsonAsync<JsonElement>($"/_demo/served?call_id={callId}", Token);
            var call = Assert.Single(answer.GetProperty("data").EnumerateArray());
            if (call.GetProperty("finished").GetBoolean())
            {
                return (call.GetProperty("prompt_tokens").GetInt64(), call.GetProperty("completion_tokens").GetInt64());
            }

            await Task.Delay(10, Token);
        }
    }

    /// <summary>All calls since one, as many as the gateway served.</summary>
    internal async Task<int> ServedCountAsync() =>
        (await Gateway.GetFromJsonAsync<JsonElement>("/_demo/served", Token)).GetProperty("data").GetArrayLength();

    private void AddTools(IServiceCollection services)
    {
        services.AddChatTool(AIFunctionFactory.Create(Fail, "failing", "Fails."), "Failing");
        services.AddChatTool(AIFunctionFactory.Create(NeverAsync, "endless", "Never returns."), "Endless");
        services.AddChatTool(AIFunctionFactory.Create(WaitAsync, "waiting", "Waits."), "Waiting");
        services.AddChatTool(AIFunctionFactory.Create(MeetAsync, "meeting_left", "Waits for the other."), "Left");
        services.AddChatTool(AIFunctionFactory.Create(MeetAsync, "meeting_right", "Waits for the other."), "Right");
        services.AddChatTool(AIFunctionFactory.Create(() => new string('x', 100_000), "talkative", "Says much."), "Talkative");
        services.AddChatTool(AIFunctionFactory.Create(() => "gold", "treasure", "For the rich."), "Treasure", Plan.Enterprise);
    }

    private static string Fail() => throw new InvalidOperationException($"Cannot connect with {Secret}.");

    private static async Task<string> NeverAsync()
    {
        // Not even when it is told to.
        await Task.Delay(System.Threading.Timeout.Infinite, CancellationToken.None);
        return "";
    }

    private async Task<string> WaitAsync(string text, CancellationToken cancellationToken)
    {
        await _waiting.GetOrAdd(text, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(cancellationToken);
        return "waited";
    }

    private async Task<string> MeetAsync(string text, CancellationToken cancellationToken)
    {
        var meeting = _meetings.GetOrAdd(text, _ => new CountdownEvent(2));
        meeting.Signal();
        while (!meeting.IsSet)
        {
            await Task.Delay(10, cancellationToken);
        }

        return "met";
    }
}
