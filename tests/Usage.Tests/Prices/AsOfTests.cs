using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Usage.Tests.Prices;

/// <summary>What was seen at a pin is seen at it for ever, and a pin is never newer than what is being written.</summary>
public class AsOfTests(PostgresFixture postgres)
{
    private const string Report = """
        SELECT md5(string_agg(line, E'\n' ORDER BY line)) || ' ' || count(*) FROM (
            SELECT concat_ws('|', id, created_at, request_id, operation, provider, served_model, prompt_tokens, completion_tokens, source, outcome, duration_ms,
                cost_usd, unpriced) AS line
            FROM ledger.call_cost({0}, '{1:O}')
        ) AS lines
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(CostTests.Seeds), MemberType = typeof(CostTests))]
    public async Task with_a_pin_nothing_moves(int seed)
    {
        await using var host = await NewHostAsync();
        var random = new RandomUsage(seed);
        var book = new PriceBook();
        List<UsageEvent> interrupted = [];
        List<(AsOf Pin, object? Seen)> pinned = [];
        for (var step = 0; step < 40; step++)
        {
            switch (random.Next(4))
            {
                case 0:
                    await book.SaveAsync(host.Source, random.Any(["manual", "gateway", "import"]), random.Prices());
                    break;
                case 1:
                    // The calls are of any time: most come late.
                    await IngestAsync(host, [.. Enumerable.Range(0, 10).Select(_ => random.Call())]);
                    break;
                case 2:
                    var provisional = Enumerable.Range(0, 5).Select(_ => random.Call()).ToList();
                    interrupted.AddRange(provisional);
                    await IngestAsync(host, [.. provisional.Select(Interrupt)]);
                    break;
                default:
                    await IngestAsync(host, [.. interrupted.Take(3)]);
                    interrupted.RemoveRange(0, Math.Min(3, interrupted.Count));
                    break;
            }

            var pin = await host.Pins.NewestAsync(Cancellation);
            Assert.Equal(book.Newest, pin.PriceRevision);
            // Nobody else writes: the pin covers all that was.
            Assert.Equal(await SeeAsync(host, new AsOf(book.Newest, DateTimeOffset.UtcNow.AddYears(1))), await SeeAsync(host, pin));
            pinned.Add((pin, await SeeAsync(host, pin)));
        }

        Assert.True(pinned.Select(one => one.Seen).Distinct().Count() > 20);
        foreach (var (pin, seen) in pinned)
        {
            Assert.Equal(seen, await SeeAsync(host, pin));
        }
    }

    [Fact]
    public async Task a_provisional_row_is_seen_as_it_was_before_it_was_replaced()
    {
        await using var host = await NewHostAsync();
        var call = Calls.Open();
        var before = await host.Pins.NewestAsync(Cancellation);
        await IngestAsync(host, [call.Interrupt() with { DurationMs = 7 }]);
        var provisional = await host.Pins.NewestAsync(Cancellation);
        await IngestAsync(host, [call.Settle() with { DurationMs = 9 }]);
        var settled = await host.Pins.NewestAsync(Cancellation);

        Assert.Equal("", await LinesAsync(before));
        Assert.Equal($"{call.Id} interrupted none 0 0 - 7", await LinesAsync(provisional));
        Assert.Equal($"{call.Id} completed provider 12 34 openai 9", await LinesAsync(settled));

        async Task<object?> LinesAsync(AsOf pin) => await host.ScalarAsync($"""
            SELECT coalesce(string_agg(concat_ws(' ', id, outcome, source, prompt_tokens, completion_tokens, coalesce(provider, '-'), duration_ms), E'\n'), '')
            FROM ledger.usage_as_of('{pin.RecordedAt:O}')
            """);
    }

    [Fact]
    public async Task a_pin_is_older_than_what_is_being_ingested()
    {
        await using var host = await NewHostAsync();
        await host.PutAsync([Events.Plain()]);
        await using var holder = await host.Source.OpenConnectionAsync(Cancellation);
        await using var hold = await holder.BeginTransactionAsync(Cancellation);
        // The row is in the statement, and not committed: its sums wait.
        await ExecuteAsync(holder, "LOCK TABLE ledger.usage_rollup_org");
        var ingestion = host.IngestAllAsync();
        await host.WaitUntilAWriterWaitsAsync();

        var pin = await host.Pins.NewestAsync(Cancellation);
        var seen = await SeeAsync(host, pin);
        await hold.RollbackAsync(Cancellation);
        await ingestion;

        Assert.True(pin.RecordedAt < Assert.Single(await host.RowsAsync()).RecordedAt);
        Assert.Equal(seen, await SeeAsync(host, pin));
    }

    [Fact]
    public async Task a_transaction_that_has_begun_and_not_written_holds_no_pin_back_and_writes_after_it()
    {
        await using var host = await NewHostAsync();
        await using var connection = await host.Source.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        var began = (DateTime)(await new NpgsqlCommand("SELECT now()", connection).ExecuteScalarAsync(Cancellation))!;

        var pin = await host.Pins.NewestAsync(Cancellation);
        await ExecuteAsync(connection, """
            INSERT INTO ledger.llm_usage (
                id, created_at, request_id, user_id, org_id, operation, model_alias, prompt_tokens, completion_tokens, source, outcome, duration_ms)
            SELECT id, ledger.uuid_v7_time(id), id, id, id, 'chat', 'm', 0, 0, 'none', 'failed', 0
            FROM (VALUES (uuid '019d0000-0000-7000-8000-000000000000')) AS call (id)
            """, beforehand: $"SELECT ledger.ensure_usage_partition(ledger.uuid_v7_time('019d0000-0000-7000-8000-000000000000'))");
        await transaction.CommitAsync(Cancellation);

        Assert.True(pin.RecordedAt > began);
        Assert.True(pin.RecordedAt < Assert.Single(await host.RowsAsync()).RecordedAt);
    }

    [Fact]
    public async Task a_pin_is_not_taken_from_an_old_snapshot()
    {
        await using var host = await NewHostAsync();

        var refused = await Assert.ThrowsAsync<PostgresException>(
            () => host.ScalarAsync("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT recorded_at FROM ledger.newest_pin()"));

        Assert.Equal(PostgresErrorCodes.ObjectNotInPrerequisiteState, refused.SqlState);
    }

    [Theory]
    [InlineData("2026-11-23T19:13:45.123456Z", 7)]
    [InlineData("2026-01-01T00:00:00.000000Z", 0)]
    public void a_pin_is_written_and_read(string recordedAt, long revision)
    {
        var text = $"{revision}@{recordedAt}";

        Assert.True(AsOf.TryParse(text, null, out var pin));
        Assert.Equal((revision, text), (pin.PriceRevision, pin.ToString()));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("7@")]
    [InlineData("-1@2026-11-23T19:13:45Z")]
    [InlineData("x@2026-11-23T19:13:45Z")]
    [InlineData("7@2026-11-23T19:13:45")]
    [InlineData("7@yesterday")]
    public void what_is_no_pin_is_refused(string? text) => Assert.False(AsOf.TryParse(text, null, out _));

    private static UsageEvent Interrupt(UsageEvent call) => Events.Plain(call.Id) with
    {
        RequestId = call.RequestId,
        UserId = call.UserId,
        OrgId = call.OrgId,
        PromptTokens = 0,
        CompletionTokens = 0,
        Source = UsageSource.None,
        Outcome = UsageOutcome.Interrupted,
    };

    private static async Task IngestAsync(LedgerHost host, IReadOnlyList<UsageEvent> calls)
    {
        await host.PutAsync(calls);
        await host.IngestAllAsync();
    }

    private static Task<object?> SeeAsync(LedgerHost host, AsOf pin) =>
        host.ScalarAsync(string.Format(null, System.Text.CompositeFormat.Parse(Report), pin.PriceRevision, pin.RecordedAt));

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, string? beforehand = null)
    {
        foreach (var statement in new[] { beforehand, sql }.OfType<string>())
        {
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync(Cancellation);
        }
    }

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
}
