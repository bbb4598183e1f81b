using System.Net;
using LlmAspire.Api.Tests.Runs;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.Chat.Groups;

/// <summary>Answers that wait for their place: a conversation that was deleted meanwhile came back with them.</summary>
public sealed class GroupDeletionTests(GroupsFixture fixture) : IClassFixture<GroupsFixture>
{
    private static readonly string[] Models = ["chat-default", "gemini-default"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_conversation_that_is_deleted_while_an_answer_waits_stays_deleted(bool isNew)
    {
        var hold = $"h{Guid.NewGuid():N}";
        await using var api = await fixture.StartAsync(("Parallel:InAll", "1"));
        Guid? before = isNew ? null : (await api.Client.SendAsync(new { message = "Hi" }))[0].Id("conversationId");
        using var response = await api.Client.AskAsync(
            "compare", new { conversationId = before, message = $"Explain rain <<demo length=40 hold={hold}@10>>", models = Models });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var seen = await events.ReadUntilAllSpeakAsync(1);
        var conversation = seen[0].Id("conversationId");
        Assert.Equal(["running", "running"], (await api.Client.ConversationAsync(conversation)).Statuses()[^2..]);

        using var deleted = await api.Client.DeleteAsync($"/conversations/{conversation}", Token);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        seen.AddRange(await events.ReadToDoneAsync());

        // What runs is told to stop, or finds that it is nobody's any more, whichever is first.
        Assert.All(seen[^1].Statuses(), status => Assert.Contains(status, (string?[])["stopped", "interrupted"]));
        using var gone = await api.Client.GetAsync($"/conversations/{conversation}", Token);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        // The one that waited was never sent to a model.
        var row = Assert.Single(await api.RowsAsync(seen[0].Id("requestId"), 1));
        Assert.Contains(row.Outcome, (UsageOutcome[])[UsageOutcome.Stopped, UsageOutcome.Disconnected]);
        await fixture.Gateway.ReleaseAsync(hold);
    }

    [Fact]
    public async Task an_answer_that_waits_is_read_and_stopped_from_any_process()
    {
        var hold = $"h{Guid.NewGuid():N}";
        await using var other = await fixture.StartAsync();
        await using var api = await fixture.StartAsync(("Parallel:InAll", "1"));
        using var response = await api.Client.AskAsync("compare", new { message = $"Explain rain <<demo length=40 hold={hold}@10>>", models = Models });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var seen = await events.ReadUntilAllSpeakAsync(1);
        var waiting = seen[0].Answers("runs").Select(run => run.GetProperty("runId").GetGuid()).Single(run => !seen.Exists(one => one.Type == "delta" && one.Id("runId") == run));

        // It has said nothing yet.
        var following = other.Client.ReadRunAsync(waiting);
        using var stopped = await other.Client.DeleteAsync($"/chat/runs/{waiting}", Token);

        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
        Assert.Equal("stopped", (await following)[^1].Data.GetProperty("finishReason").GetString());
        await fixture.Gateway.ReleaseAsync(hold);
        seen.AddRange(await events.ReadToDoneAsync());
        Assert.Equal(["complete", "stopped"], seen[^1].Statuses().Order(StringComparer.Ordinal));
        var row = Assert.Single(await api.RowsAsync(seen[0].Id("requestId"), 1));
        Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source));
    }
}
