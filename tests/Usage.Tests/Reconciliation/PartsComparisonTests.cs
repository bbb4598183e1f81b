using System.Globalization;
using LlmAspire.TestPostgres;

namespace LlmAspire.Usage.Tests.Reconciliation;

/// <summary>A call that two providers served has two rows and is one call to the gateway: their tokens are compared together.</summary>
public class PartsComparisonTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 10, 30, 0, TimeSpan.Zero);

    private static readonly DateTimeOffset Opened = new(2026, 11, 19, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("the call's id", "the call's id")]
    [InlineData("an id of the gateway's own", "the call's id")]
    [InlineData("an id of the gateway's own", "an id of the gateway's own")]
    [InlineData(null, "the call's id")]
    public async Task two_parts_with_the_tokens_of_the_log_agree(string? told, string logged)
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var (first, second) = Parts(Opened, told);
        await KnowAsync(host, first, second);
        var name = logged == "the call's id" ? first.Id.ToString() : logged;

        await CompareAsync(host, new GatewayLog("1", name, "anthropic", "claude", 205, 25, 1.5m, Opened));

        Assert.Equal("anthropic/claude 1 1 0 0 205+25 205+25 0", await ResultsAsync(host));
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.reconciliation_difference"));
    }

    [Fact]
    public async Task logs_of_each_part_are_added_up_as_the_parts_are()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var (first, second) = Parts(Opened, "the call's id");
        await KnowAsync(host, first, second);
        var id = first.Id.ToString();

        await CompareAsync(host, new GatewayLog("1", id, "openai", "gpt", 100, 5, 1m, Opened), new GatewayLog("2", id, "anthropic", "claude", 105, 20, 1m, Opened));

        Assert.Equal("anthropic/claude 1 1 0 0 205+25 205+25 0", await ResultsAsync(host));
    }

    [Fact]
    public async Task a_log_of_the_last_part_alone_differs_by_what_the_first_part_used()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var (first, second) = Parts(Opened, "the call's id");
        await KnowAsync(host, first, second);

        await CompareAsync(host, new GatewayLog("1", first.Id.ToString(), "anthropic", "claude", 105, 20, 1m, Opened));

        Assert.Equal("anthropic/claude 1 1 0 0 205+25 105+20 105", await ResultsAsync(host));
        Assert.Equal(
            $"tokens_differ {first.Id}", await host.ScalarAsync("SELECT kind || ' ' || call_id FROM ledger.reconciliation_difference"));
    }

    [Fact]
    public async Task parts_without_a_log_are_one_missing_call()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var (first, second) = Parts(Opened, "the call's id");
        await KnowAsync(host, first, second);

        await CompareAsync(host);

        Assert.Equal("anthropic/claude 1 0 0 1 205+25 0+0 230", await ResultsAsync(host));
    }

    [Fact]
    public async Task a_part_that_began_after_midnight_is_compared_on_the_day_of_its_call()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var midnight = new DateTimeOffset(2026, 11, 19, 0, 0, 0, TimeSpan.Zero);
        var (first, second) = Parts(midnight.AddSeconds(-1), "the call's id");
        second = second with { Id = Guid.CreateVersion7(midnight.AddSeconds(1)) };
        await KnowAsync(host, first, second);

        await CompareAsync(host, new GatewayLog("1", first.Id.ToString(), "anthropic", "claude", 205, 25, 1m, midnight.AddSeconds(-1)));

        Assert.Equal("anthropic/claude 1 1 0 0 205+25 205+25 0", await ResultsAsync(host));
        Assert.Equal("18", await host.ScalarAsync("SELECT string_agg(to_char(day, 'DD'), ' ') FROM ledger.reconciliation_result"));
    }

    [Fact]
    public async Task rows_of_different_requests_with_one_id_of_the_gateway_stay_different_calls()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        UsageEvent[] calls = [.. Enumerable.Range(0, 2).Select(number => Parts(Opened.AddMinutes(number), "always the same").First)];
        await KnowAsync(host, calls);

        await CompareAsync(host, [.. calls.Select(call => new GatewayLog(call.Id.ToString(), call.Id.ToString(), "openai", "gpt", 100, 5, 1m, call.CreatedAt))]);

        Assert.Equal("openai/gpt 2 2 0 0 200+10 200+10 0", await ResultsAsync(host));
    }

    private static (UsageEvent First, UsageEvent Second) Parts(DateTimeOffset opened, string? told)
    {
        var first = Events.Plain(Guid.CreateVersion7(opened)) with { Provider = "openai", ServedModel = "gpt", PromptTokens = 100, CompletionTokens = 5 };
        first = first with { GatewayCallId = told == "the call's id" ? first.Id.ToString() : told };
        return (first, first with
        {
            Id = first.NewPartId(),
            Provider = "anthropic",
            ServedModel = "claude",
            PromptTokens = 105,
            CompletionTokens = 20,
            // Where the gateway tells none, a further part names the call that was opened.
            GatewayCallId = first.GatewayCallId ?? first.Id.ToString(),
        });
    }

    private static async Task KnowAsync(LedgerHost host, params UsageEvent[] events)
    {
        // So that the days before are looked at too.
        await host.PutAsync([.. events, Events.Plain(Guid.CreateVersion7(Now.AddDays(-7))) with { PromptTokens = 0, CompletionTokens = 0 }]);
        await host.IngestAllAsync();
    }

    private static async Task CompareAsync(LedgerHost host, params GatewayLog[] logs)
    {
        await using var session = await new Reconciler(host.Source).TryBeginAsync(Cancellation);
        foreach (var day in await session!.ReadDueAsync(Now, TimeSpan.FromHours(1), 7, TimeSpan.FromHours(1), Cancellation))
        {
            await session.BeginDayAsync(Cancellation);
            await session.AddAsync(logs, Cancellation);
            await session.CompareAsync(day, Now, 10, Cancellation);
        }
    }

    private static async Task<string> ResultsAsync(LedgerHost host) => Convert.ToString(
        await host.ScalarAsync("""
            SELECT string_agg(
                provider || '/' || model || ' ' || ledger_calls || ' ' || gateway_calls || ' ' || missing_in_ledger || ' ' || missing_at_gateway || ' '
                    || ledger_prompt_tokens || '+' || ledger_completion_tokens || ' ' || gateway_prompt_tokens || '+' || gateway_completion_tokens || ' '
                    || differing_tokens, '; ' ORDER BY day, provider)
            FROM ledger.reconciliation_result
            """),
        CultureInfo.InvariantCulture)!;
}
