using System.Globalization;
using System.Text.Json;
using LlmAspire.Api.Chat;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Identity.Development;
using LlmAspire.Api.Llm;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Api.Tests.Runs;

/// <summary>Whatever fails while a record of a run is written, the journal goes on: the record is answered, and those after it are written.</summary>
public sealed class RunJournalTests : IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}");
    private readonly LogRecorder _logs = new();
    private TestGateway _gateway = null!;
    private ApiFactory _api = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Source => _api.Services.GetRequiredService<NpgsqlDataSource>();

    public async ValueTask InitializeAsync()
    {
        _gateway = await TestGateway.StartAsync();
        _api = new ApiFactory(_gateway.BaseUrl) { Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync() };
        using var client = await _api.CreateReadyClientAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _gateway.DisposeAsync();
        _logs.Dispose();
    }

    public static TheoryData<string> Poisons => new("table", "refused", "half a character", "serializer");

    [Theory]
    [MemberData(nameof(Poisons))]
    public async Task a_record_that_cannot_be_written_is_answered_and_the_others_are_written(string poison)
    {
        using var spool = Spool();
        using var journal = await StartAsync(spool);

        await WriteAroundAsync(journal, spool, Poison(poison));
        await journal.StopAsync(Token);
    }

    [Fact]
    public async Task a_run_that_fails_to_hear_of_its_fate_holds_nobody_up()
    {
        using var spool = Spool();
        var runs = new ChatRuns(null!, null!, spool);
        using var journal = await StartAsync(spool, runs);
        // It cannot be cancelled: that needs its context.
        var deaf = new ChatRun(Plan() with { Context = null! }, journal, TimeSpan.FromMinutes(1), TimeProvider.System, NullLogger.Instance);
        runs.Add(deaf, new TaskCompletionSource().Task);
        deaf.Dispose();

        // It is nobody's in PostgreSQL: the process is told to end it.
        Assert.True(await WriteAroundAsync(journal, spool, new RunEvents(deaf.Id, 1, 1, 1, "", "[]")));
        Assert.Contains(_logs.Entries, entry => entry.Text.Contains($"{deaf.Id} could not be told", StringComparison.Ordinal));
        await journal.StopAsync(Token);
    }

    [Fact]
    public async Task a_record_that_postgresql_can_never_take_is_not_said_to_be_durable()
    {
        using var spool = Spool();
        using var journal = await StartAsync(spool);

        Assert.False(await WriteAroundAsync(journal, spool, Poison("refused")));
        Assert.Equal(0, spool.Count);
        await journal.StopAsync(Token);
    }

    [Fact]
    public async Task while_postgresql_is_away_a_record_that_is_no_json_is_answered_and_the_others_are_spooled()
    {
        using var spool = Spool();
        using var journal = await StartAsync(spool, postgres: Away());
        RunRecord[] good = [Start(), Start()];

        Task[] writes = [journal.WriteAsync(good[0], Token), journal.WriteAsync(Poison("serializer"), Token), journal.WriteAsync(good[1], Token)];

        Assert.Equal((bool[])[true, false, true], await AnsweredAsync(journal, writes));
        Assert.Equal(good.Select(record => record.RunId), spool.Read(0, 10).Select(entry => entry.CallId));
        await journal.StopAsync(Token);
    }

    [Fact]
    public async Task a_spool_that_fails_in_a_way_nobody_expects_is_tried_again()
    {
        using var spool = Spool(time: new FailingTime());
        using var journal = await StartAsync(spool, postgres: Away());

        Assert.Equal((bool[])[true, true], await AnsweredAsync(journal, [journal.WriteAsync(Start(), Token), journal.WriteAsync(Start(), Token)]));
        await journal.StopAsync(Token);
    }

    [Fact]
    public async Task a_source_that_fails_in_a_way_nobody_expects_sends_records_to_the_spool()
    {
        using var spool = Spool();
        var broken = NpgsqlDataSource.Create(_api.Ledger!);
        await broken.DisposeAsync();
        using var journal = await StartAsync(spool, source: broken);

        Assert.Equal((bool[])[true, true, true], await AnsweredAsync(journal, [.. Enumerable.Range(0, 3).Select(_ => journal.WriteAsync(Start(), Token))]));
        Assert.Equal(3, spool.Count);
        await journal.StopAsync(Token);
    }

    [Fact]
    public async Task at_the_deadline_of_a_shutdown_every_record_in_line_is_answered()
    {
        using var spool = Spool("/dev/null/spool");
        using var journal = await StartAsync(spool, postgres: Away());
        Task[] writes = [.. Enumerable.Range(0, 2_500).Select(_ => journal.WriteAsync(Start(), Token)), journal.WriteAsync(Poison("serializer"), Token)];

        await journal.StopAsync(new CancellationToken(canceled: true));

        Assert.All(await Task.WhenAll(writes.Select(WasWrittenAsync)), Assert.False);
    }

    [Fact]
    public async Task what_is_replayed_and_cannot_be_written_is_left_out_and_the_others_are_written()
    {
        using var spool = Spool();
        using var journal = await StartAsync(spool);
        RunStart[] good = [Start(), Start(), Start()];

        await journal.ReplayAsync(
            [good[0].Serialize(), Poison("table").Serialize(), good[1].Serialize(), Poison("refused").Serialize(), good[2].Serialize()], Token);

        Assert.Equal(3, await CountAsync(good));
        await Assert.ThrowsAsync<JsonException>(() => journal.ReplayAsync(["""{"kind":"of a newer version"}"""], Token));
        await journal.StopAsync(Token);
    }

    [Fact]
    public async Task text_that_postgresql_does_not_take_is_replaced_everywhere()
    {
        const string Odd = "a\0b\ud800c";
        const string OddJson = """{"text":"a\u0000b\ud800c\u001b\\u0000","😀":"\ud83d\ude00"}""";
        using var spool = Spool();
        using var journal = await StartAsync(spool);
        var start = Start() with { UserMessage = Odd, Title = Odd, Model = Odd, TraceId = Odd, Tools = $"[{OddJson}]", Prompt = new PromptCopy(Guid.NewGuid(), 1, Odd, Odd) };
        var end = End(start, new RunEvents(start.RunId, 1, 2, 2, Odd, $"[{OddJson}]")) with { FinishReason = Odd, Content = Odd, Error = OddJson, Usage = $"[{OddJson}]", TraceId = Odd, Tools = $"[{OddJson}]" };

        Assert.Equal((bool[])[true, true, true], await AnsweredAsync(
            journal, [journal.WriteAsync(start, Token), journal.WriteAsync(new RunEvents(start.RunId, 1, 1, 1, Odd, $"[{OddJson}]"), Token), journal.WriteAsync(end, Token)]));

        const string Stored = "a\uFFFDb\uFFFDc";
        Assert.Equal(Stored, await ScalarAsync($"SELECT content FROM tenant.message WHERE id = '{start.MessageId}'"));
        Assert.Equal($"{Stored}{Stored}", await ScalarAsync($"SELECT string_agg(text, '') FROM tenant.run_batch WHERE run_id = '{start.RunId}'"));
        foreach (var column in (string[])["error ->> 'text'", "usage -> 0 ->> 'text'", "tools -> 0 ->> 'text'"])
        {
            Assert.Equal($"{Stored}\u001b\\u0000", await ScalarAsync($"SELECT {column} FROM tenant.message WHERE id = '{start.MessageId}'"));
        }

        Assert.Equal("complete", await ScalarAsync($"SELECT state FROM tenant.run WHERE id = '{start.RunId}'"));
        await journal.StopAsync(Token);
    }

    /// <returns>Whether the record was said to be durable.</returns>
    private async Task<bool> WriteAroundAsync(RunJournal journal, SpoolFile spool, RunRecord poison)
    {
        RunStart[] good = [.. Enumerable.Range(0, 20).Select(_ => Start())];
        Task[] writes = [.. good[..10].Select(one => journal.WriteAsync(one, Token)), journal.WriteAsync(poison, Token), .. good[10..].Select(one => journal.WriteAsync(one, Token))];

        var answers = await AnsweredAsync(journal, writes);

        Assert.All([.. answers[..10], .. answers[11..]], Assert.True);
        // What the spool took is sent as its replayer sends it.
        var spooled = spool.Read(0, 100);
        await journal.ReplayAsync([.. spooled.Select(entry => entry.Body)], Token);
        spool.Delete([.. spooled]);
        Assert.Equal(20, await CountAsync(good));
        RunStart[] after = [Start()];
        Assert.Equal((bool[])[true], await AnsweredAsync(journal, [journal.WriteAsync(after[0], Token)]));
        Assert.Equal(1, await CountAsync(after));
        return answers[10];
    }

    private static async Task<bool[]> AnsweredAsync(RunJournal journal, Task[] writes)
    {
        var answers = Task.WhenAll(writes.Select(WasWrittenAsync));
        Assert.Same(answers, await Task.WhenAny(answers, journal.ExecuteTask!));
        return await answers;
    }

    private static async Task<bool> WasWrittenAsync(Task write)
    {
        try
        {
            await write;
            return true;
        }
        catch (LedgerUnavailableException)
        {
            return false;
        }
    }

    private async Task<RunJournal> StartAsync(SpoolFile spool, ChatRuns? runs = null, PostgresState? postgres = null, NpgsqlDataSource? source = null)
    {
        var journal = new RunJournal(
            new RunTable(source ?? Source), runs ?? new ChatRuns(null!, null!, spool), postgres ?? _api.Services.GetRequiredService<PostgresState>(), spool, TimeProvider.System,
            new Logger<RunJournal>(new LoggerFactory([_logs])));
        await journal.StartAsync(Token);
        return journal;
    }

    private SpoolFile Spool(string? folder = null, TimeProvider? time = null) => new(
        Options.Create(new SpoolOptions { Directory = folder ?? _folder }), _api.Services.GetRequiredService<IHostEnvironment>(),
        _api.Services.GetRequiredService<HeldSpools>(), time ?? TimeProvider.System, NullLogger<SpoolFile>.Instance);

    private PostgresState Away() => new(
        _api.Services.GetRequiredService<PostgresProbe>(), new LedgerReadiness(), Options.Create(new DurabilityOptions()), TimeProvider.System, NullLogger<PostgresState>.Instance);

    private async Task<long> CountAsync(IEnumerable<RunStart> starts) =>
        long.Parse(await ScalarAsync($"SELECT count(*)::text FROM tenant.run WHERE id IN ({string.Join(',', starts.Select(start => $"'{start.RunId}'"))})"), CultureInfo.InvariantCulture);

    private async Task<string> ScalarAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        return (string)(await command.ExecuteScalarAsync(Token))!;
    }

    private static RunRecord Poison(string kind) => kind switch
    {
        // Read when its columns are made.
        "table" => End(Start(), null!),
        "refused" => new RunEvents(Guid.CreateVersion7(), 1, 1, 1, "", "no JSON"),
        "half a character" => new RunEvents(Guid.CreateVersion7(), 1, 1, 1, "\ud800", "[]"),
        _ => new UnknownRecord(Guid.CreateVersion7()),
    };

    private static RunStart Start()
    {
        var user = DemoAccounts.All[1];
        return new RunStart(
            Guid.CreateVersion7(), Guid.NewGuid(), Guid.CreateVersion7(), user.Organisation.Id, user.Id, Guid.CreateVersion7(), "Hi", Guid.CreateVersion7(), "Hi", null, Guid.CreateVersion7(),
            "chat-default", "", DateTimeOffset.UtcNow);
    }

    private static RunEnd End(RunStart start, RunEvents last) =>
        new(start.RunId, start.MessageId, last, MessageStatus.Complete, "stop", "", null, "[]", "", DateTimeOffset.UtcNow, null);

    private static RunPlan Plan()
    {
        var context = new CallContext
        {
            UserId = Guid.NewGuid(),
            OrgId = Guid.NewGuid(),
            RequestId = Guid.CreateVersion7(),
            Operation = UsageOperation.Chat,
            ModelAlias = "chat-default",
        };
        return new RunPlan(Guid.CreateVersion7(), 1, context, Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), "", "", [], null, null);
    }

    /// <summary>The serializer knows no such kind.</summary>
    private sealed record UnknownRecord(Guid RunId) : RunRecord(RunId);

    /// <summary>A clock that fails once.</summary>
    private sealed class FailingTime : TimeProvider
    {
        private int _asked;

        public override DateTimeOffset GetUtcNow() => Interlocked.Increment(ref _asked) == 1 ? throw new InvalidTimeZoneException("No time.") : base.GetUtcNow();
    }
}
