using System.Net;
using LlmAspire.Api.Chat.Runs;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.Api.Tests.Runs;

/// <summary>The stored events of an answer become one row, and whoever reads them notices nothing.</summary>
public class RunFoldingTests(ReplicasFixture fixture) : IClassFixture<ReplicasFixture>
{
    private static readonly string[] Pieces = ["One", " two", " three", " four"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Source => fixture.First.Services.GetRequiredService<NpgsqlDataSource>();

    [Fact]
    public async Task a_reader_who_comes_after_any_event_gets_the_same_from_what_was_folded()
    {
        var (run, all) = await AnswerAsync();
        Assert.InRange(await BatchesAsync(run), 2, 100);

        Assert.Equal(0, await FoldAsync(TimeSpan.FromHours(1)));
        Assert.InRange(await FoldAsync(), 1, 100);

        Assert.Equal(1, await BatchesAsync(run));
        Assert.Equal(0, await FoldAsync());
        foreach (var client in new[] { fixture.FirstClient, fixture.SecondClient })
        {
            Assert.Equal(all.Lines(), (await client.ReadRunAsync(run)).Lines());
            for (var read = 1; read <= all.Count; read++)
            {
                Assert.Equal(all[read..].Lines(), (await client.ReadRunAsync(run, all[read - 1].Id)).Lines());
            }
        }
    }

    [Fact]
    public async Task an_answer_that_is_being_made_is_left_alone()
    {
        var script = fixture.Play(Pieces);
        using var response = await fixture.FirstClient.ChatAsync(new { message = "Count" });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var run = (await sender.ReadUntilAsync(read => read.Count == 3))[0].Id("runId");
        await fixture.IsStoredAsync(run, "One two");
        // As if it had been stored in several.
        await ExecuteAsync($$"""
            UPDATE tenant.run SET ended_at = '2001-01-01' WHERE id = '{{run}}';
            WITH cut AS (DELETE FROM tenant.run_batch WHERE run_id = '{{run}}' RETURNING *)
            INSERT INTO tenant.run_batch (run_id, attempt, first_sequence, last_sequence, text, events)
            SELECT run_id, attempt, first_sequence + place - 1, first_sequence + place - 1, coalesce(event -> 'data' ->> 'text', ''), jsonb_build_array(event)
            FROM cut, jsonb_array_elements(events) WITH ORDINALITY AS stored (event, place)
            """);
        var before = await BatchesAsync(run);

        await FoldAsync();

        Assert.Equal(before, await BatchesAsync(run));
        script.GoOn();
        await sender.ReadUntilAsync(read => read[^1].Type == "done");
        await FoldAsync();
        Assert.Equal((1, string.Concat(Pieces)), (await BatchesAsync(run), (await fixture.SecondClient.ReadRunAsync(run)).Text()));
    }

    [Fact]
    public async Task a_process_that_only_seemed_gone_still_takes_its_answer_up_again()
    {
        var script = fixture.Play(Pieces);
        using var response = await fixture.FirstClient.ChatAsync(new { message = "Count" });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var run = (await sender.ReadUntilAsync(read => read.Count == 3))[0].Id("runId");
        await fixture.IsStoredAsync(run, "One two");
        var owner = await fixture.QueryAsync<Guid>($"SELECT instance_id FROM tenant.run WHERE id = '{run}'");
        await ExecuteAsync($"UPDATE tenant.run SET instance_id = gen_random_uuid() WHERE id = '{run}'");
        await fixture.IsAsync(run, "interrupted");

        await FoldAsync();

        await ExecuteAsync($"UPDATE tenant.run SET instance_id = '{owner}' WHERE id = '{run}'");
        script.GoOn();
        Assert.Equal("done", (await sender.ReadUntilAsync(read => read[^1].Type is "error" or "done"))[^1].Type);
        var all = await fixture.SecondClient.ReadRunAsync(run);
        Assert.Equal((string.Concat(Pieces), "done"), (all.Text(), all[^1].Type));
        await FoldAsync();
        Assert.Equal(1, await BatchesAsync(run));
        Assert.Equal(all.Lines(), (await fixture.SecondClient.ReadRunAsync(run)).Lines());
    }

    [Fact]
    public async Task a_stopped_answer_is_continued_from_what_was_folded_and_each_attempt_is_one_row()
    {
        fixture.Play(Pieces);
        using var response = await fixture.FirstClient.ChatAsync(new { message = "Count" });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var begun = (await sender.ReadUntilAsync(read => read.Count == 3))[0];
        var run = begun.Id("runId");
        await fixture.IsStoredAsync(run, "One two");
        using (await fixture.FirstClient.DeleteAsync($"/chat/runs/{run}", Token))
        {
            await sender.ReadUntilAsync(read => read[^1].Type == "done");
        }

        await fixture.IsAsync(run, "stopped");
        await FoldAsync();
        Assert.Equal(1, await BatchesAsync(run));

        var more = fixture.Play(" and", " more");
        using var continued = await fixture.SecondClient.ContinueAsync(run);
        Assert.Equal(HttpStatusCode.OK, continued.StatusCode);
        await fixture.IsStoredAsync(run, "One two and");
        more.GoOn();
        var attempt = await continued.ReadAllEventsAsync();
        Assert.Equal((" and more", "done"), (attempt.Text(), attempt[^1].Type));
        await FoldAsync();

        Assert.Equal(2, await BatchesAsync(run));
        var late = await fixture.FirstClient.ReadRunAsync(run, begun.Id);
        Assert.Equal(("reset", "One two and more", "done"), (late[0].Type, late.Text(), late[^1].Type));
        Assert.Equal(attempt[2..].Lines(), (await fixture.FirstClient.ReadRunAsync(run, attempt[1].Id)).Lines());
    }

    [Fact]
    public async Task an_attempt_that_misses_events_stays_as_it_is()
    {
        var (run, _) = await AnswerAsync();
        await ExecuteAsync($"""
            UPDATE tenant.run_batch SET first_sequence = first_sequence + 100, last_sequence = last_sequence + 100
            WHERE run_id = '{run}' AND first_sequence = (SELECT max(first_sequence) FROM tenant.run_batch WHERE run_id = '{run}')
            """);
        var stored = await StoredAsync();

        await FoldAsync();

        Assert.Equal(stored, await StoredAsync());

        Task<string> StoredAsync() => fixture.QueryAsync<string>($"SELECT string_agg(batch::text, ' ' ORDER BY first_sequence) FROM tenant.run_batch AS batch WHERE run_id = '{run}'");
    }

    [Fact]
    public async Task several_processes_fold_many_answers_and_none_loses_an_event()
    {
        var (run, all) = await AnswerAsync();
        await FoldAsync();
        var copies = (RunFolding.LargestBatch * 2) + 10;
        // Copies of the answer, each event in a batch of its own; ids of a long time ago and of the future.
        await ExecuteAsync($$"""
            CREATE TEMP TABLE copy AS
            SELECT CASE WHEN number % 2 = 0 THEN overlay(gen_random_uuid()::text PLACING '0000' FROM 1)::uuid ELSE overlay(gen_random_uuid()::text PLACING 'ffff' FROM 1)::uuid END AS id,
                gen_random_uuid() AS message_id
            FROM generate_series(1, {{copies}}) AS number;
            INSERT INTO tenant.message SELECT (jsonb_populate_record(message, jsonb_build_object('id', copy.message_id))).* FROM tenant.message, copy
                WHERE message.id = (SELECT message_id FROM tenant.run WHERE id = '{{run}}');
            INSERT INTO tenant.run SELECT (jsonb_populate_record(run, jsonb_build_object('id', copy.id, 'message_id', copy.message_id))).* FROM tenant.run, copy WHERE run.id = '{{run}}';
            INSERT INTO tenant.run_batch (run_id, attempt, first_sequence, last_sequence, text, events)
            SELECT copy.id, attempt, place, place, coalesce(event -> 'data' ->> 'text', ''), jsonb_build_array(event)
            FROM copy, tenant.run_batch, jsonb_array_elements(events) WITH ORDINALITY AS stored (event, place) WHERE run_id = '{{run}}'
            """);

        var folded = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => FoldAsync()));
        var rest = await FoldAsync();

        Assert.Equal(copies, folded.Sum() + rest);
        Assert.Equal(
            $"{copies + 1} 1",
            await fixture.QueryAsync<string>($"""
                SELECT count(*) || ' ' || count(DISTINCT (attempt, first_sequence, last_sequence, text, events)) FROM tenant.run_batch
                WHERE events = (SELECT events FROM tenant.run_batch WHERE run_id = '{run}')
                """));
        Assert.Equal(all.Count, await fixture.QueryAsync<int>($"SELECT last_sequence FROM tenant.run_batch WHERE run_id = '{run}'"));
    }

    /// <summary>An answer that was stored in several batches.</summary>
    private async Task<(Guid Run, List<ReceivedEvent> Events)> AnswerAsync()
    {
        var script = fixture.Play(Pieces);
        using var response = await fixture.FirstClient.ChatAsync(new { message = "Count" });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var events = await sender.ReadUntilAsync(read => read.Count == 3);
        var run = events[0].Id("runId");
        await fixture.IsStoredAsync(run, "One two");
        script.GoOn();
        events.AddRange(await sender.ReadUntilAsync(read => read[^1].Type == "done"));
        await fixture.IsAsync(run, "complete");
        return (run, events);
    }

    /// <summary>As a process does that has just started: it looks at all runs.</summary>
    private Task<int> FoldAsync(TimeSpan after = default) => new RunFolding(Source, TimeProvider.System).FoldAsync(after, Token);

    private Task<long> BatchesAsync(Guid run) => fixture.QueryAsync<long>($"SELECT count(*) FROM tenant.run_batch WHERE run_id = '{run}'");

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Token);
    }
}
