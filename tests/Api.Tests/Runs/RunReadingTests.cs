using System.Net;

namespace LlmAspire.Api.Tests.Runs;

public class RunReadingTests(ReplicasFixture fixture) : IClassFixture<ReplicasFixture>
{
    // Nothing of it may become a field of the event stream.
    private static readonly string[] Pieces = ["One", "\n\nevent: done\ndata: {}\n\n", "id: 0\r\n", "😀 \u2028", "five", "\u0000six"];

    private static readonly string Said = string.Concat(Pieces).Replace('\0', '\uFFFD');

    [Fact]
    public async Task a_reader_who_comes_back_after_any_event_gets_the_rest_on_every_replica()
    {
        fixture.Play(Pieces).GoOn();
        var all = await fixture.FirstClient.SendAsync(new { message = "Hi" });
        var run = all[0].Id("runId");
        Assert.Equal((Said, "done"), (all.Text(), all[^1].Type));
        Assert.Equal(Enumerable.Range(1, all.Count).Select(n => $"{run}:1:{n}"), all.Select(one => one.Id));

        foreach (var client in new[] { fixture.FirstClient, fixture.SecondClient })
        {
            Assert.Equal(all.Lines(), (await client.ReadRunAsync(run)).Lines());
            for (var read = 1; read <= all.Count; read++)
            {
                var rest = await client.ReadRunAsync(run, all[read - 1].Id);
                Assert.Equal(all[read..].Lines(), rest.Lines());
            }
        }
    }

    [Fact]
    public async Task readers_on_both_replicas_follow_the_answer_while_it_is_made()
    {
        var script = fixture.Play(Pieces);
        using var response = await fixture.FirstClient.ChatAsync(new { message = "Hi" });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var seen = await sender.ReadUntilAsync(read => read.Count == 4);
        var run = seen[0].Id("runId");
        await Until.TrueAsync(async () => await fixture.QueryAsync<long>($"SELECT count(*) FROM tenant.run WHERE id = '{run}'") == 1);

        // Each with what it has already: nothing, or three events.
        using var near = await fixture.FirstClient.FollowAsync(run);
        using var far = await fixture.SecondClient.FollowAsync(run, seen[2].Id);
        await using var farEvents = far.ReadEventsAsync().GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var farSeen = await farEvents.ReadUntilAsync(read => read.Count == 1);
        Assert.Equal(seen[3].Id, farSeen[0].Id);

        script.GoOn();
        var nearSeen = await near.ReadAllEventsAsync();
        farSeen.AddRange(await farEvents.ReadUntilAsync(read => read[^1].Type is "done"));
        seen.AddRange(await sender.ReadUntilAsync(read => read[^1].Type is "done"));

        Assert.Equal(Said, seen.Text());
        Assert.Equal(seen.Lines(), nearSeen.Lines());
        Assert.Equal(seen[3..].Lines(), farSeen.Lines());
    }

    [Fact]
    public async Task a_run_is_stopped_from_the_other_replica()
    {
        fixture.Play(Pieces);
        using var response = await fixture.FirstClient.ChatAsync(new { message = "Hi" });
        await using var sender = response.ReadEventsAsync().GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var run = (await sender.ReadUntilAsync(read => read.Count == 4))[0];
        await Until.TrueAsync(async () => await fixture.QueryAsync<long>($"SELECT count(*) FROM tenant.run_batch WHERE run_id = '{run.Id("runId")}'") > 0);

        using var stopped = await fixture.SecondClient.DeleteAsync($"/chat/runs/{run.Id("runId")}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
        var rest = await sender.ReadUntilAsync(read => read[^1].Type is "done");

        Assert.Equal("stopped", rest[^1].Data.GetProperty("finishReason").GetString());
        var answer = (await fixture.SecondClient.ConversationAsync(run.Id("conversationId"))).GetProperty("messages")[1];
        Assert.Equal("stopped", answer.GetProperty("status").GetString());
        Assert.Equal(string.Concat(Pieces[..3]), answer.GetProperty("content").GetString());

        // It goes on where it stopped, on any replica; the text is one.
        fixture.Play(" and", " more").GoOn();
        using var continued = await fixture.SecondClient.ContinueAsync(run.Id("runId"));
        var more = await continued.ReadAllEventsAsync();
        Assert.Equal((2, " and more", "done"), (more[0].Data.GetProperty("attempt").GetInt32(), more.Text(), more[^1].Type));
        answer = (await fixture.FirstClient.ConversationAsync(run.Id("conversationId"))).GetProperty("messages")[1];
        Assert.Equal(string.Concat(Pieces[..3]) + " and more", answer.GetProperty("content").GetString());
        Assert.Equal(("complete", 2, 2), (
            answer.GetProperty("status").GetString(), answer.GetProperty("attempt").GetInt32(), answer.GetProperty("usage").GetArrayLength()));
        Assert.Equal(
            ["user", "assistant", "user"],
            fixture.Gateway.Chats.Last().Body.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("role").GetString()));

        // Who has the first attempt only, gets its text as it is, and the second.
        var late = await fixture.FirstClient.ReadRunAsync(run.Id("runId"), run.Id);
        Assert.Equal(("reset", string.Concat(Pieces[..3]) + " and more"), (late[0].Type, late.Text()));
    }

    [Theory]
    [InlineData("complete")]
    [InlineData("failed")]
    public async Task what_has_ended_otherwise_cannot_be_continued(string status)
    {
        fixture.Play("One", "two").GoOn();
        if (status == "failed")
        {
            fixture.Gateway.OnChat = Answers.SendStream(Answers.Content + Answers.ErrorEvent);
        }

        var run = (await fixture.FirstClient.SendAsync(new { message = "Hi" }))[0];
        using var refused = await fixture.FirstClient.ContinueAsync(run.Id("runId"));

        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Equal("run_not_continuable", (await refused.ReadProblemAsync()).GetProperty("code").GetString());
        var answer = (await fixture.FirstClient.ConversationAsync(run.Id("conversationId"))).GetProperty("messages")[1];
        Assert.Equal(status, answer.GetProperty("status").GetString());
    }
}
