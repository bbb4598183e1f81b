using System.Net;
using System.Text.Json;
using LlmAspire.Api.Tests.Tools;

namespace LlmAspire.Api.Tests.Runs;

/// <summary>Processes that go while they answer, or seem to.</summary>
public class InterruptedRunTests(ReplicasFixture fixture) : IClassFixture<ReplicasFixture>
{
    private static readonly string[] Pieces = ["One", " two", " three", " four"];

    private const string Stored = "One two";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task an_answer_whose_process_is_gone_is_kept_and_continued_on_another()
    {
        var script = fixture.Play(Pieces);
        using var response = await fixture.FirstClient.ChatAsync(new { message = "Count" });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var begun = (await sender.ReadUntilAsync(read => read.Count == 3))[0];
        var run = begun.Id("runId");
        await fixture.IsStoredAsync(run, Stored);

        await LoseOwnerAsync(run);
        var told = await fixture.SecondClient.ReadRunAsync(run);
        Assert.Equal((Stored, "error", "run_interrupted"), (told.Text(), told[^1].Type, told[^1].Data.GetProperty("code").GetString()));
        var answer = await AnswerAsync(begun);
        Assert.Equal(("interrupted", Stored, 1), (Word(answer, "status"), Word(answer, "content"), answer.GetProperty("attempt").GetInt32()));
        Assert.Equal("run_interrupted", answer.GetProperty("error").GetProperty("code").GetString());

        // The process said more than was stored: who read it gets the text as it is kept.
        foreach (var beyond in new[] { 4, 99 })
        {
            var reset = await fixture.SecondClient.ReadRunAsync(run, $"{run}:1:{beyond}");
            Assert.Equal(["reset", "error"], reset.Select(one => one.Type));
            Assert.Equal(Stored, reset.Text());
        }

        var more = fixture.Play(" and", " more");
        using var continued = await fixture.SecondClient.ContinueAsync(run);
        Assert.Equal(HttpStatusCode.OK, continued.StatusCode);
        // The process was not gone at all: what it still says is not of the answer.
        script.GoOn();
        var rest = await sender.ReadUntilAsync(read => read[^1].Type is "error" or "done");
        Assert.DoesNotContain(rest, one => one.Type == "reset");
        more.GoOn();
        var attempt = await continued.ReadAllEventsAsync();
        Assert.Equal((2, " and more", "done"), (attempt[0].Data.GetProperty("attempt").GetInt32(), attempt.Text(), attempt[^1].Type));
        Assert.Equal(begun.Id("messageId"), attempt[0].Id("messageId"));

        answer = await AnswerAsync(begun);
        Assert.Equal(("complete", Stored + " and more", 2), (Word(answer, "status"), Word(answer, "content"), answer.GetProperty("attempt").GetInt32()));
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("error").ValueKind);
        // The process that was taken for gone forgets its own attempt a moment after that has ended.
        await Until.TrueAsync(async () => (await fixture.FirstClient.ReadRunAsync(run, $"{run}:1:99")) is [{ Type: "reset" }, ..]);
        foreach (var client in new[] { fixture.FirstClient, fixture.SecondClient })
        {
            foreach (var last in new[] { $"{run}:1:2", $"{run}:1:99" })
            {
                var late = await client.ReadRunAsync(run, last);
                Assert.Equal(("reset", Stored + " and more", "done"), (late[0].Type, late.Text(), late[^1].Type));
            }

            var rejoined = await client.ReadRunAsync(run, attempt[1].Id);
            Assert.Equal(attempt[2..].Lines(), rejoined.Lines());
        }
    }

    [Fact]
    public async Task a_process_that_only_seemed_gone_goes_on_with_its_answer()
    {
        var script = fixture.Play(Pieces);
        using var response = await fixture.FirstClient.ChatAsync(new { message = "Count" });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var begun = (await sender.ReadUntilAsync(read => read.Count == 3))[0];
        var run = begun.Id("runId");
        await fixture.IsStoredAsync(run, Stored);
        var owner = await LoseOwnerAsync(run);

        await fixture.QueryAsync<Guid>($"UPDATE tenant.run SET instance_id = '{owner}' WHERE id = '{run}' RETURNING id");
        script.GoOn();
        var rest = await sender.ReadUntilAsync(read => read[^1].Type is "error" or "done");

        Assert.Equal("done", rest[^1].Type);
        var answer = await AnswerAsync(begun);
        Assert.Equal(("complete", string.Concat(Pieces)), (Word(answer, "status"), Word(answer, "content")));
        Assert.Single(answer.GetProperty("usage").EnumerateArray());
        var all = await fixture.SecondClient.ReadRunAsync(run);
        Assert.Equal((string.Concat(Pieces), "done"), (all.Text(), all[^1].Type));
        Assert.Equal(Enumerable.Range(1, all.Count).Select(n => $"{run}:1:{n}"), all.Select(one => one.Id));
    }

    [Fact]
    public async Task an_interrupted_answer_keeps_its_tools_and_goes_on_from_them()
    {
        var before = fixture.Gateway.Chats.Count;
        var script = new Script(["It", " is", " 6", "."]);
        fixture.Gateway.OnChat = context => fixture.Gateway.Chats.Count == before + 1
            ? Answers.SendStream(ToolHistoryTests.Call + Answers.Usage(Answers.UsageJson) + Answers.Done)(context)
            : script.AnswerAsync(context);
        using var response = await fixture.FirstClient.ChatAsync(new { message = "What is 2*3?", tools = new[] { "calculator" } });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var begun = (await sender.ReadUntilAsync(read => read.Text().EndsWith("It is", StringComparison.Ordinal)))[0];
        var run = begun.Id("runId");
        const string Said = "Let me see.\n\nIt is";
        await fixture.IsStoredAsync(run, Said);
        Assert.Equal(("running", "ok"), (Word(await AnswerAsync(begun), "status"), Word(Tool(await AnswerAsync(begun)), "state")));

        await LoseOwnerAsync(run);

        var answer = await AnswerAsync(begun);
        Assert.Equal(("interrupted", Said, "ok"), (Word(answer, "status"), Word(answer, "content"), Word(Tool(answer), "state")));
        var reset = (await fixture.SecondClient.ReadRunAsync(run, $"{run}:1:99"))[0];
        Assert.Equal(("reset", "calculator"), (reset.Type, Word(Tool(reset.Data), "name")));
        var more = fixture.Play(" six", ".");
        using var continued = await fixture.SecondClient.ContinueAsync(run);
        more.GoOn();
        Assert.Equal("done", (await continued.ReadAllEventsAsync())[^1].Type);
        answer = await AnswerAsync(begun);
        Assert.Equal(("complete", Said + " six.", "ok"), (Word(answer, "status"), Word(answer, "content"), Word(Tool(answer), "state")));
        var told = fixture.Gateway.Chats.Last().Body;
        Assert.Equal(
            ["user", "assistant", "tool", "assistant", "user"], told.GetProperty("messages").EnumerateArray().Select(message => Word(message, "role")));
        Assert.Equal("calculator", Word(Assert.Single(told.GetProperty("tools").EnumerateArray()).GetProperty("function"), "name"));
        script.GoOn();
    }

    [Fact]
    public async Task a_shutdown_waits_for_an_answer_that_ends_in_its_grace()
    {
        var script = fixture.Play(Pieces);
        var leaving = fixture.CreateApi(grace: "00:00:20");
        var client = await leaving.CreateSignedInClientAsync("pro");
        using var response = await client.ChatAsync(new { message = "Count" });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var begun = (await sender.ReadUntilAsync(read => read.Count == 3))[0];

        var stopped = leaving.DisposeAsync().AsTask();
        script.GoOn();
        await stopped;

        var answer = await AnswerAsync(begun);
        Assert.Equal(("complete", string.Concat(Pieces)), (Word(answer, "status"), Word(answer, "content")));
    }

    [Fact]
    public async Task a_shutdown_cuts_what_takes_longer_and_its_text_is_kept_and_continued()
    {
        fixture.Play(Pieces);
        var leaving = fixture.CreateApi();
        var client = await leaving.CreateSignedInClientAsync("pro");
        using var response = await client.ChatAsync(new { message = "Count" });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var begun = (await sender.ReadUntilAsync(read => read.Count == 3))[0];

        await leaving.DisposeAsync();

        var answer = await AnswerAsync(begun);
        Assert.Equal(("interrupted", Stored), (Word(answer, "status"), Word(answer, "content")));
        // Another attempt that fails at once leaves it as it is, to be tried again.
        fixture.Gateway.OnChat = Answers.SendJson(500, Answers.ErrorBody);
        using (var failed = await fixture.FirstClient.ContinueAsync(begun.Id("runId")))
        {
            Assert.Equal(HttpStatusCode.BadGateway, failed.StatusCode);
        }

        answer = await AnswerAsync(begun);
        Assert.Equal(("interrupted", Stored, 2), (Word(answer, "status"), Word(answer, "content"), answer.GetProperty("attempt").GetInt32()));
        fixture.Play(" and", " more").GoOn();
        using var continued = await fixture.FirstClient.ContinueAsync(begun.Id("runId"));
        Assert.Equal(" and more", (await continued.ReadAllEventsAsync()).Text());
        answer = await AnswerAsync(begun);
        Assert.Equal(("complete", Stored + " and more", 3), (Word(answer, "status"), Word(answer, "content"), answer.GetProperty("attempt").GetInt32()));
    }

    [Fact]
    public async Task of_two_who_continue_at_once_one_does()
    {
        fixture.Play(Pieces);
        using var response = await fixture.FirstClient.ChatAsync(new { message = "Count" });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var begun = (await sender.ReadUntilAsync(read => read.Count == 3))[0];
        using (await fixture.FirstClient.DeleteAsync($"/chat/runs/{begun.Id("runId")}", Token))
        {
            await sender.ReadUntilAsync(read => read[^1].Type == "done");
        }

        var before = fixture.Gateway.Chats.Count;
        fixture.Play(" and", " more").GoOn();
        var answers = await Task.WhenAll(
            fixture.FirstClient.ContinueAsync(begun.Id("runId")),
            fixture.SecondClient.ContinueAsync(begun.Id("runId")));

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Conflict], answers.Select(one => one.StatusCode).Order());
        Assert.Equal(before + 1, fixture.Gateway.Chats.Count);
    }

    /// <summary>Makes the process of a run one that nobody knows, and waits until that is found.</summary>
    /// <returns>The process.</returns>
    private async Task<Guid> LoseOwnerAsync(Guid run)
    {
        var owner = await fixture.QueryAsync<Guid>($"SELECT instance_id FROM tenant.run WHERE id = '{run}'");
        await fixture.QueryAsync<Guid>($"UPDATE tenant.run SET instance_id = gen_random_uuid() WHERE id = '{run}' RETURNING id");
        await fixture.IsAsync(run, "interrupted");
        return owner;
    }

    private async Task<JsonElement> AnswerAsync(ReceivedEvent begun) =>
        (await fixture.SecondClient.ConversationAsync(begun.Id("conversationId"))).GetProperty("messages")[1];

    private static JsonElement Tool(JsonElement of) => Assert.Single(of.GetProperty("tools").EnumerateArray());

    private static string? Word(JsonElement message, string name) => message.GetProperty(name).GetString();
}
