using System.Globalization;
using System.Text.Json.Nodes;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using LlmAspire.UsageWorker.Reconciliation;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmAspire.UsageWorker.Tests.Reconciliation;

public class ReconciliationWorkerTests(PostgresFixture postgres)
{
    /// <summary>Over all days: a test may run over midnight.</summary>
    private const string Results = """
        SELECT string_agg(concat_ws(' ', provider, model, ledger_calls, gateway_calls, missing_in_ledger, missing_at_gateway, ledger_tokens, gateway_tokens, differing), '; '
            ORDER BY provider, model)
        FROM (
            SELECT
                provider, model, sum(ledger_calls) AS ledger_calls, sum(gateway_calls) AS gateway_calls, sum(missing_in_ledger) AS missing_in_ledger,
                sum(missing_at_gateway) AS missing_at_gateway, sum(ledger_prompt_tokens + ledger_completion_tokens) AS ledger_tokens,
                sum(gateway_prompt_tokens + gateway_completion_tokens) AS gateway_tokens, sum(differing_tokens) AS differing
            FROM ledger.reconciliation_result GROUP BY provider, model) AS model
        """;

    private const string Problem = "SELECT problem FROM ledger.reconciliation_gateway";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_ledger_that_has_what_the_demo_gateway_has_does_not_drift()
    {
        using var gateway = new DemoGatewayServer();
        var database = await postgres.CreateDatabaseAsync();
        UsageEvent[] calls = [await gateway.ChatAsync(), await gateway.ChatAsync(question: "And snow?"), await gateway.ChatAsync(model: "claude-default")];
        await IngestAsync(database, calls);

        await using var host = await StartAsync(database, gateway.Url);
        await ComparedAsync(host, calls.Length);

        var (openai, anthropic) = (calls[0].PromptTokens + calls[0].CompletionTokens + calls[1].PromptTokens + calls[1].CompletionTokens,
            calls[2].PromptTokens + calls[2].CompletionTokens);
        Assert.Equal(
            $"anthropic {calls[2].ServedModel} 1 1 0 0 {anthropic} {anthropic} 0; openai {calls[0].ServedModel} 2 2 0 0 {openai} {openai} 0",
            await host.ScalarAsync(Results));
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.reconciliation_difference"));
        Assert.True((decimal)(await host.ScalarAsync("SELECT sum(gateway_cost_usd) FROM ledger.reconciliation_result"))! > 0);
        Assert.Equal(DBNull.Value, await host.ScalarAsync(Problem));
        Assert.DoesNotContain(host.LogOf<ReconciliationWorker>(), line => line.Level >= LogLevel.Warning);
        using var metrics = new Metrics(host);
        // They are read after what was compared is saved.
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Read("llmaspire.reconciliation.days source=gateway") is not null));
        Assert.Equal(0, metrics.Read($"llmaspire.reconciliation.drift source=gateway provider=openai model={calls[0].ServedModel}"));
        Assert.Equal(0, metrics.Read("llmaspire.reconciliation.days source=gateway"));
    }

    [Fact]
    public async Task a_lost_an_extra_and_a_different_call_drift_by_just_their_tokens()
    {
        using var gateway = new DemoGatewayServer();
        var database = await postgres.CreateDatabaseAsync();
        var (equal, lost, more, fewer, extra, failed) = (
            await gateway.ChatAsync(), await gateway.ChatAsync("spend=none"), await gateway.ChatAsync("spend=+7; length=20"),
            await gateway.ChatAsync("spend=-3; length=20"), await gateway.ChatAsync(), await gateway.ChatAsync("error=0"));
        await IngestAsync(database, equal, lost, more, fewer, failed);

        await using var host = await StartAsync(database, gateway.Url);
        await ComparedAsync(host, 4);

        long all = Tokens(equal) + Tokens(lost) + Tokens(more) + Tokens(fewer), theirs = all - Tokens(lost) + Tokens(extra) + 7 - 3;
        var drift = Tokens(lost) + Tokens(extra) + 7 + 3;
        Assert.Equal($"openai {equal.ServedModel} 4 4 1 1 {all} {theirs} {drift}", await host.ScalarAsync(Results));
        Assert.Equal(
            string.Join("; ", new (UsageEvent Call, string Text)[]
            {
                (lost, $"missing_at_gateway {lost.Id} {lost.PromptTokens} {lost.CompletionTokens} - -"),
                (extra, $"missing_in_ledger - - - {extra.PromptTokens} {extra.CompletionTokens}"),
                (more, $"tokens_differ {more.Id} {more.PromptTokens} {more.CompletionTokens} {more.PromptTokens} {more.CompletionTokens + 7}"),
                (fewer, $"tokens_differ {fewer.Id} {fewer.PromptTokens} {fewer.CompletionTokens} {fewer.PromptTokens} {fewer.CompletionTokens - 3}"),
            }.Select(one => $"{one.Call.Id} {one.Text}").Order(StringComparer.Ordinal)),
            await host.ScalarAsync("""
                SELECT string_agg(concat_ws(' ', gateway_call_id, kind, coalesce(call_id::text, '-'), coalesce(ledger_prompt_tokens::text, '-'),
                    coalesce(ledger_completion_tokens::text, '-'), coalesce(gateway_prompt_tokens::text, '-'), coalesce(gateway_completion_tokens::text, '-')), '; '
                    ORDER BY gateway_call_id COLLATE "C")
                FROM ledger.reconciliation_difference
                """));
        Assert.Contains(host.LogOf<ReconciliationWorker>(), line =>
            line.Level == LogLevel.Warning && line.Text.Contains($"{drift} tokens of openai {equal.ServedModel} differ", StringComparison.Ordinal));
        using var metrics = new Metrics(host);
        // They are read after what was compared is saved.
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Read("llmaspire.reconciliation.days source=gateway") is not null));
        Assert.Equal(drift, metrics.Read($"llmaspire.reconciliation.drift source=gateway provider=openai model={equal.ServedModel}"));
        Assert.Equal(1, metrics.Read("llmaspire.reconciliation.days source=gateway"));
        Assert.Equal(
            (double)drift / (all + Tokens(extra) + 7), metrics.Read($"llmaspire.reconciliation.drift.share source=gateway provider=openai model={equal.ServedModel}")!.Value, precision: 9);
    }

    [Fact]
    public async Task a_gateway_without_a_database_is_a_state_that_is_said_once()
    {
        using var gateway = new DemoGatewayServer(spendLogs: false);
        var database = await postgres.CreateDatabaseAsync();
        await IngestAsync(database, await gateway.ChatAsync());

        await using var host = await StartAsync(database, gateway.Url);
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync(Problem) is GatewayProblem.NoDatabase);
        var asked = await host.ScalarAsync("SELECT asked_at FROM ledger.reconciliation_gateway");
        await WorkerHost.WaitAsync(async () => !Equals(await host.ScalarAsync("SELECT asked_at FROM ledger.reconciliation_gateway"), asked));

        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.reconciliation_day"));
        var said = Assert.Single(host.LogOf<ReconciliationWorker>());
        Assert.Equal(LogLevel.Information, said.Level);
        Assert.Contains("give LiteLLM a DATABASE_URL", said.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_gateway_that_comes_back_is_compared()
    {
        var away = await SpendLogGateway.StartAsync();
        var url = away.Url;
        await away.DisposeAsync();
        var call = Calls.Settle();
        var database = await postgres.CreateDatabaseAsync();
        await IngestAsync(database, call);
        await using var host = await StartAsync(database, url);
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync(Problem) is GatewayProblem.Unreachable);

        await using var back = await SpendLogGateway.StartAsync(url);
        back.Logs.Add(SpendLogGateway.Log(call.Id.ToString(), call.CreatedAt));
        await ComparedAsync(host, 1);

        Assert.Equal("openai gpt-6-luna 1 1 0 0 46 46 0", await host.ScalarAsync(Results));
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync(Problem) is DBNull);
        await WorkerHost.WaitAsync(() => Task.FromResult(host.LogOf<ReconciliationWorker>().Count() == 2));
        Assert.All(host.LogOf<ReconciliationWorker>(), line => Assert.Equal(LogLevel.Information, line.Level));
    }

    [Theory]
    [InlineData(StatusCodes.Status401Unauthorized, """{"error":{"message":"Authentication Error, No api key passed in."}}""", GatewayProblem.Refused)]
    [InlineData(StatusCodes.Status401Unauthorized, """{"error":{"message":"Prisma Client is not initialized"}}""", GatewayProblem.NoDatabase)]
    [InlineData(StatusCodes.Status500InternalServerError, """{"error":{"message":"DB not connected. See https://docs.litellm.ai/docs/proxy/virtual_keys"}}""", GatewayProblem.NoDatabase)]
    [InlineData(StatusCodes.Status404NotFound, """{"detail":"Not Found"}""", GatewayProblem.NotSupported)]
    [InlineData(StatusCodes.Status503ServiceUnavailable, "", GatewayProblem.Unreachable)]
    [InlineData(StatusCodes.Status500InternalServerError, "oops", GatewayProblem.Failed)]
    [InlineData(StatusCodes.Status200OK, "oops", GatewayProblem.Failed)]
    [InlineData(StatusCodes.Status200OK, """[]""", GatewayProblem.Failed)]
    [InlineData(StatusCodes.Status200OK, """{"data":[{}]}""", GatewayProblem.Failed)]
    public async Task what_is_wrong_with_the_gateway_is_the_state_and_comparisons_stay(int status, string body, string problem)
    {
        await using var gateway = await SpendLogGateway.StartAsync();
        var call = Calls.Settle();
        gateway.Logs.Add(SpendLogGateway.Log(call.Id.ToString(), call.CreatedAt));
        var database = await postgres.CreateDatabaseAsync();
        await IngestAsync(database, call);
        await using var host = await StartAsync(database, gateway.Url);
        await ComparedAsync(host, 1);

        (gateway.Status, gateway.Body) = (status, body);

        await WorkerHost.WaitAsync(async () => await host.ScalarAsync(Problem) is string told && told == problem);
        Assert.Equal("openai gpt-6-luna 1 1 0 0 46 46 0", await host.ScalarAsync(Results));
    }

    [Fact]
    public async Task several_workers_find_what_one_finds()
    {
        using var gateway = new DemoGatewayServer();
        var database = await postgres.CreateDatabaseAsync();
        var (one, lost) = (await gateway.ChatAsync(), await gateway.ChatAsync("spend=none"));
        await IngestAsync(database, one, lost);

        await using var first = await StartAsync(database, gateway.Url);
        await using var second = await StartAsync(database, gateway.Url);
        await using var third = await StartAsync(database, gateway.Url);
        await ComparedAsync(first, 2);
        // Each of them has had its turn since, or has seen another at it.
        for (var turn = 0; turn < 5; turn++)
        {
            var compared = await first.ScalarAsync("SELECT max(compared_at) FROM ledger.reconciliation_day");
            await WorkerHost.WaitAsync(async () => !Equals(await first.ScalarAsync("SELECT max(compared_at) FROM ledger.reconciliation_day"), compared));
        }

        Assert.Equal($"openai {one.ServedModel} 2 1 0 1 {Tokens(one) + Tokens(lost)} {Tokens(one)} {Tokens(lost)}", await first.ScalarAsync(Results));
        Assert.Equal(1L, await first.ScalarAsync("SELECT count(*) FROM ledger.reconciliation_difference"));
        foreach (var host in new[] { first, second, third })
        {
            Assert.DoesNotContain(host.LogOf<ReconciliationWorker>(), line => line.Text.Contains("interrupted", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task a_row_that_comes_late_has_its_day_compared_again_and_no_other_day()
    {
        var yesterday = DateTimeOffset.UtcNow.AddDays(-1);
        UsageEvent known = CallAt(yesterday), late = CallAt(yesterday), older = CallAt(yesterday.AddDays(-1));
        await using var gateway = await SpendLogGateway.StartAsync();
        gateway.Logs.AddRange(new[] { known, late, older }.Select(call => SpendLogGateway.Log(call.Id.ToString(), call.CreatedAt)));
        var database = await postgres.CreateDatabaseAsync();
        await IngestAsync(database, known, older);
        await using var host = await StartAsync(database, gateway.Url);
        await ComparedAsync(host, 2);
        Assert.Equal("openai gpt-6-luna 2 3 1 0 92 138 46", await host.ScalarAsync(Results));
        var day = DateOnly.FromDateTime(older.CreatedAt.UtcDateTime);
        var sql = $"SELECT compared_at FROM ledger.reconciliation_day WHERE day = '{day:yyyy-MM-dd}'";
        var before = await host.ScalarAsync(sql);

        await host.Writer.WriteAsync(late, Cancellation);

        await WorkerHost.WaitAsync(async () => await host.ScalarAsync(Results) is "openai gpt-6-luna 3 3 0 0 138 138 0");
        Assert.Equal(before, await host.ScalarAsync(sql));
    }

    [Fact]
    public async Task a_call_belongs_to_the_day_on_which_it_was_opened_whenever_the_gateway_began_with_it()
    {
        var midnight = new DateTimeOffset(DateTime.UtcNow.Date.AddDays(-1), TimeSpan.Zero);
        var call = CallAt(midnight.AddMilliseconds(-5));
        await using var gateway = await SpendLogGateway.StartAsync();
        gateway.Logs.Add(SpendLogGateway.Log(call.Id.ToString(), midnight.AddSeconds(2)));
        // Somebody else's, with a key of their own.
        gateway.Logs.Add(SpendLogGateway.Log("chatcmpl-foreign", midnight.AddSeconds(2), prompt: 1, completion: 1));
        var database = await postgres.CreateDatabaseAsync();
        await IngestAsync(database, call);
        await using var host = await StartAsync(database, gateway.Url);
        await WorkerHost.WaitAsync(async () => (long)(await host.ScalarAsync("SELECT count(*) FROM ledger.reconciliation_day"))! == 3);

        var days = (string)(await host.ScalarAsync("""
            SELECT string_agg(concat_ws(' ', day, ledger_calls, gateway_calls, missing_in_ledger, differing_tokens), '; ' ORDER BY day) FROM ledger.reconciliation_result
            """))!;

        Assert.Equal($"{midnight.AddDays(-1):yyyy-MM-dd} 1 1 0 0; {midnight:yyyy-MM-dd} 0 1 1 2", days);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(100)]
    public async Task logs_come_in_pages_and_in_the_forms_of_several_versions(int mostPerPage)
    {
        var at = DateTimeOffset.UtcNow.AddDays(-1);
        UsageEvent[] calls = [.. Enumerable.Range(0, 1100).Select(_ => CallAt(at))];
        // The gateway's own id, as one that does not adopt ours has it.
        calls[5] = calls[5] with { GatewayCallId = "its-own" };
        await using var gateway = await SpendLogGateway.StartAsync(mostPerPage: mostPerPage);
        gateway.Logs.AddRange(calls.Select((call, index) => index switch
        {
            // Older versions: the id of the answer. What the Api sent along says which call it is.
            0 => SpendLogGateway.Log("chatcmpl-1", at, metadata: JsonNode.Parse($$"""{"spend_logs_metadata":{{GatewayCallMetadata.Of(call.Id)}}}""")),
            1 => SpendLogGateway.Log("chatcmpl-2", at, metadata: JsonValue.Create($$"""{"spend_logs_metadata":{{GatewayCallMetadata.Of(call.Id)}}}""")),
            2 => SpendLogGateway.Log("chatcmpl-3", at, metadata: new JsonObject { ["litellm_call_id"] = call.Id.ToString() }),
            3 => SpendLogGateway.Log($"{call.Id}_cache_hit1795391504.13", at, metadata: JsonValue.Create("{")),
            // One of two logs: a fallback.
            4 => SpendLogGateway.Log(call.Id.ToString(), at, prompt: 10, completion: 30),
            5 => SpendLogGateway.Log("its-own", at),
            _ => SpendLogGateway.Log(call.Id.ToString(), at),
        }));
        gateway.Logs.Add(SpendLogGateway.Log("second", at, prompt: 2, completion: 4, metadata: JsonNode.Parse($$"""{"spend_logs_metadata":{{GatewayCallMetadata.Of(calls[4].Id)}}}""")));
        // A refused call cost nobody anything.
        gateway.Logs.Add(SpendLogGateway.Log("refused", at, prompt: 0, completion: 0));
        var database = await postgres.CreateDatabaseAsync();
        await IngestAsync(database, calls);

        await using var host = await StartAsync(database, gateway.Url);
        await ComparedAsync(host, calls.Length);

        Assert.Equal($"openai gpt-6-luna 1100 1100 0 0 {1100 * 46} {1100 * 46} 0", await host.ScalarAsync(Results));
    }

    [Theory]
    [InlineData(2, null)]
    [InlineData(1_000_000, GatewayProblem.Failed)]
    public async Task a_log_that_slips_between_pages_is_looked_for(int slips, string? problem)
    {
        var call = CallAt(DateTimeOffset.UtcNow.AddDays(-1));
        await using var gateway = await SpendLogGateway.StartAsync();
        gateway.Logs.Add(SpendLogGateway.Log(call.Id.ToString(), call.CreatedAt));
        gateway.Slip(slips);
        var database = await postgres.CreateDatabaseAsync();
        await IngestAsync(database, call);

        await using var host = await StartAsync(database, gateway.Url);
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync("SELECT coalesce(problem, 'none') FROM ledger.reconciliation_gateway") is string told && told == (problem ?? "none"));

        Assert.Equal(problem is null ? "openai gpt-6-luna 1 1 0 0 46 46 0" : DBNull.Value, await host.ScalarAsync(Results));
    }

    [Fact]
    public async Task of_the_calls_that_differ_a_thousand_are_kept_and_all_are_counted()
    {
        var at = DateTimeOffset.UtcNow.AddDays(-1);
        UsageEvent[] calls = [.. Enumerable.Range(0, 1001).Select(index => CallAt(at) with { CompletionTokens = index == 7 ? 1 : 34 })];
        await using var gateway = await SpendLogGateway.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await IngestAsync(database, calls);

        await using var host = await StartAsync(database, gateway.Url);
        await ComparedAsync(host, calls.Length);

        Assert.Equal(1001L, await host.ScalarAsync("SELECT sum(differences)::bigint FROM ledger.reconciliation_day"));
        Assert.Equal(1000L, await host.ScalarAsync("SELECT count(*) FROM ledger.reconciliation_difference"));
        Assert.Equal(34L, await host.ScalarAsync("SELECT min(ledger_completion_tokens) FROM ledger.reconciliation_difference"));
    }

    [Fact]
    public async Task without_a_gateway_the_worker_says_so_once_and_goes_on()
    {
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync());

        await WorkerHost.WaitAsync(async () => await host.ScalarAsync(Problem) is GatewayProblem.NotConfigured);

        Assert.Contains("LLM_BASE_URL is not set", Assert.Single(host.LogOf<ReconciliationWorker>()).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Reconciliation:Interval", "00:00:00")]
    [InlineData("Reconciliation:Delay", "-00:00:01")]
    [InlineData("Reconciliation:DaysBack", "91")]
    [InlineData("Reconciliation:Threshold", "1.1")]
    [InlineData("Reconciliation:GatewayTimeout", "00:00:00")]
    public async Task a_setting_that_is_not_possible_ends_the_start(string key, string value)
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => WorkerHost.StartAsync("Host=127.0.0.1;Port=1", settings: (key, value)));

        Assert.Contains(ReconciliationOptions.WhatIsPossible, refused.Failures);
    }

    private static long Tokens(UsageEvent call) => call.PromptTokens + call.CompletionTokens;

    private static UsageEvent CallAt(DateTimeOffset time) =>
        Calls.Settle() with { Id = Guid.CreateVersion7(time), Provider = "openai", ServedModel = "gpt-6-luna" };

    /// <summary>Has the ledger know calls, before anybody compares.</summary>
    private static async Task IngestAsync(string database, params UsageEvent[] calls)
    {
        await using var host = await WorkerHost.StartAsync(database);
        await Task.WhenAll(calls.Select(call => host.Writer.WriteAsync(call, Cancellation)));
        await WorkerHost.WaitAsync(async () => (await host.RowIdsAsync()).Length == calls.Length);
    }

    private static Task<WorkerHost> StartAsync(string database, string url) => WorkerHost.StartAsync(
        database, settings:
        [
            ("LLM_BASE_URL", url), ("LLM_API_KEY", DemoGatewayServer.Key), ("Reconciliation:Interval", "00:00:00.05"), ("Reconciliation:Delay", "00:00:00"),
            ("Prices:SyncInterval", "01:00:00"),
        ]);

    /// <summary>Waits until so many calls of the ledger were compared.</summary>
    private static Task ComparedAsync(WorkerHost host, int calls) => WorkerHost.WaitAsync(async () =>
        await host.ScalarAsync("SELECT coalesce(sum(ledger_calls), 0)::bigint FROM ledger.reconciliation_result") is long compared && compared == calls
        && Convert.ToInt64(await host.ScalarAsync("SELECT count(*) FROM ledger.reconciliation_gateway WHERE problem IS NULL"), CultureInfo.InvariantCulture) == 1);
}
