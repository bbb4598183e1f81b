using System.Net;
using LlmAspire.Api.Tests.Runs;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.Chat.Groups;

/// <summary>A service that is told to stop in the middle of a comparison or a race.</summary>
public sealed class GroupShutdownTests(GroupsFixture fixture) : IClassFixture<GroupsFixture>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("compare")]
    [InlineData("race")]
    public async Task answers_that_take_longer_than_the_grace_are_cut_and_the_one_that_waits_is_not_begun(string path)
    {
        var hold = $"h{Guid.NewGuid():N}";
        await using var remaining = await fixture.StartAsync();
        await using var leaving = await fixture.StartAsync(("Parallel:InAll", "2"), ("Usage:ShutdownGrace", "00:00:01"));
        using var response = await leaving.Client.AskAsync(path, new
        {
            message = $"Explain rain <<demo length=40 hold={hold}@10>>",
            models = new[] { "chat-default", "gemini-default", "mistral-default" },
        });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var seen = await events.ReadUntilAllSpeakAsync(2);

        leaving.Stop();
        seen.AddRange(await events.ReadToDoneAsync());

        // The client is told, of each and of the whole, and the stream ends.
        Assert.False(await events.MoveNextAsync());
        Assert.Equal(["server_stopping", "server_stopping", "server_stopping"], seen.Failures().Values);
        Assert.Equal(["interrupted", "interrupted", "interrupted"], seen[^1].Statuses());
        var rows = await remaining.RowsAsync(seen[0].Id("requestId"), 2);
        Assert.All(rows, row => Assert.Equal((UsageOutcome.Failed, UsageSource.Estimated), (row.Outcome, row.Source)));
        foreach (var row in rows)
        {
            Assert.Equal(10, (await fixture.Gateway.ServedAsync(row.Id)).Tokens.Completion);
            Assert.InRange(row.CompletionTokens, 8, 12);
        }

        var conversation = await remaining.Client.ConversationAsync(seen[0].Id("conversationId"));
        Assert.Equal(["interrupted", "interrupted", "interrupted"], conversation.Statuses());
        Assert.Equal(
            seen[0].Answers("runs").Select(run => seen.Where(one => one.Id is not null && one.Id("runId") == run.GetProperty("runId").GetGuid()).Text()),
            conversation.Messages("assistant").Select(one => one.GetProperty("content").GetString()));
        // Another process goes on, with the one that was never begun too.
        await fixture.Gateway.ReleaseAsync(hold);
        foreach (var run in seen[0].Answers("runs"))
        {
            using var continued = await remaining.Client.ContinueAsync(run.GetProperty("runId").GetGuid());
            Assert.Equal(HttpStatusCode.OK, continued.StatusCode);
            Assert.Equal("done", (await continued.ReadAllEventsAsync())[^1].Type);
        }

        Assert.Equal(["complete", "complete", "complete"], (await remaining.Client.ConversationAsync(seen[0].Id("conversationId"))).Statuses());
    }

    [Fact]
    public async Task answers_that_end_within_the_grace_are_complete_and_exact()
    {
        var hold = $"h{Guid.NewGuid():N}";
        await using var remaining = await fixture.StartAsync();
        await using var leaving = await fixture.StartAsync(("Usage:ShutdownGrace", "00:00:20"));
        using var response = await leaving.Client.AskAsync("compare", new
        {
            message = $"Explain rain <<demo length=40 hold={hold}@10>>",
            models = new[] { "chat-default", "gemini-default" },
        });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var seen = await events.ReadUntilAllSpeakAsync(2);

        leaving.Stop();
        await fixture.Gateway.ReleaseAsync(hold);
        seen.AddRange(await events.ReadToDoneAsync());

        Assert.Equal(["complete", "complete"], seen[^1].Statuses());
        Assert.All(
            await remaining.RowsAsync(seen[0].Id("requestId"), 2), row => Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source)));
        Assert.Equal(["complete", "complete"], (await remaining.Client.ConversationAsync(seen[0].Id("conversationId"))).Statuses());
    }
}
