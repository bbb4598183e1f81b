using LlmAspire.Api.Tests.Runs;
using LlmAspire.EmbeddedPostgres;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.Chat.Groups;

/// <summary>With a PostgreSQL of its own, to be stopped.</summary>
public sealed class OwnPostgresGroups : GroupsFixture
{
    protected override PostgresFixture Postgres { get; } = PostgresFixture.CreateDurable();

    internal async Task StopPostgresAsync() => await (await Postgres.GetServerAsync()).StopAsync(PostgresStopMode.Immediate);

    internal async Task StartPostgresAsync(GroupsApi api)
    {
        await (await Postgres.GetServerAsync()).StartAsync(TestContext.Current.CancellationToken);
        await Until.TrueAsync(async () => (await api.Client.GetAsync("/health", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Postgres.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>A comparison or a race in whose middle PostgreSQL goes.</summary>
public sealed class GroupOutageTests(OwnPostgresGroups fixture) : IClassFixture<OwnPostgresGroups>
{
    private static readonly string[] Models = ["chat-default", "gemini-default", "mistral-default"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("compare")]
    [InlineData("race")]
    public async Task answers_that_nothing_takes_fail_and_are_rows_and_stored_later(string path)
    {
        var hold = $"h{Guid.NewGuid():N}";
        var spool = Path.GetTempFileName();
        // Where the folder of the spool would be, is a file.
        await using var api = await StartAsync(("Spool:Directory", spool), ("Usage:SettleTimeout", "00:00:02"));
        using var response = await api.Client.AskAsync(path, Ask(hold));
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var seen = await events.ReadUntilAsync(read => read.Count(one => one.Type == "done") == 1
            && read.Where(one => one.Type == "delta").Select(one => one.Id("runId")).Distinct().Count() == 3);

        await fixture.StopPostgresAsync();
        await fixture.Gateway.ReleaseAsync($"{hold}a");
        await fixture.Gateway.ReleaseAsync($"{hold}b");
        seen.AddRange(await events.ReadToDoneAsync());

        Assert.Equal(["ledger_unavailable", "ledger_unavailable"], seen.Failures().Values);
        Assert.Equal(["failed", "failed", "complete"], seen[^1].Statuses());
        Assert.DoesNotContain(seen, one => one.Type == "winner");
        await fixture.StartPostgresAsync(api);
        Assert.All(await api.RowsAsync(seen[0].Id("requestId"), 3), row => Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source)));
        // As they were told: with all that was said, and the failure.
        await IsStoredAsync(api, seen);
        File.Delete(spool);
    }

    [Theory]
    [InlineData("compare")]
    [InlineData("race")]
    public async Task answers_that_the_spool_takes_are_complete_and_stored_later(string path)
    {
        var hold = $"h{Guid.NewGuid():N}";
        await using var api = await StartAsync();
        using var response = await api.Client.AskAsync(path, Ask(hold));
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var seen = await events.ReadUntilAsync(read => read.Count(one => one.Type == "done") == 1
            && read.Where(one => one.Type == "delta").Select(one => one.Id("runId")).Distinct().Count() == 3);

        await fixture.StopPostgresAsync();
        if (path == "compare")
        {
            await fixture.Gateway.ReleaseAsync($"{hold}a");
        }

        await fixture.Gateway.ReleaseAsync($"{hold}b");
        seen.AddRange(await events.ReadToDoneAsync());

        Assert.Empty(seen.Failures());
        await fixture.StartPostgresAsync(api);
        var rows = await api.RowsAsync(seen[0].Id("requestId"), 3);
        if (path == "race")
        {
            var winner = seen.Single(one => one.Type == "winner");
            Assert.Equal(["stopped", "complete", "complete"], seen[^1].Statuses());
            Assert.Equal((winner.Id("runId"), "gemini-default"), (seen[^1].Id("winnerRunId"), winner.Data.GetProperty("model").GetString()));
            Assert.Equal(
                [(UsageOutcome.Stopped, UsageSource.Estimated), (UsageOutcome.Completed, UsageSource.Provider), (UsageOutcome.Completed, UsageSource.Provider)],
                rows.Select(row => (row.Outcome, row.Source)));
            await Until.TrueAsync(async () =>
                (await api.Client.ConversationAsync(seen[0].Id("conversationId"))).GetProperty("currentMessageId").GetGuid() == winner.Id("messageId"));
        }
        else
        {
            Assert.All(rows, row => Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source)));
            await IsStoredAsync(api, seen);
        }
    }

    private Task<GroupsApi> StartAsync(params (string Key, string Value)[] settings) => fixture.StartAsync(
        [("Usage:PostgresPatience", "00:00:00.500"), ("Usage:ProbeInterval", "00:00:00.050"), .. settings]);

    /// <summary>The third is complete before the outage, and not good enough for a race.</summary>
    private static object Ask(string hold) => new
    {
        message = $"Explain rain <<demo@chat-default length=40 hold={hold}a@10>> <<demo@gemini-default length=40 hold={hold}b@10>> <<demo@mistral-default length=3>>",
        models = Models,
        accept = new { minCharacters = 60 },
    };

    private static Task IsStoredAsync(GroupsApi api, List<ReceivedEvent> seen) => Until.TrueAsync(async () =>
    {
        var answers = (await api.Client.ConversationAsync(seen[0].Id("conversationId"))).Messages("assistant");
        return answers.Select(one => one.GetProperty("status").GetString()).SequenceEqual(seen[^1].Statuses())
            && answers.Select(one => one.GetProperty("content").GetString()).SequenceEqual(
                seen[0].Answers("runs").Select(run => seen.Where(one => one.Id is not null && one.Id("runId") == run.GetProperty("runId").GetGuid()).Text()));
    });
}
