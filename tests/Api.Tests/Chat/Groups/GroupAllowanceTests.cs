using LlmAspire.Api.Tests.Runs;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.Chat.Groups;

/// <summary>An allowance, that of the organisation's plan, which is reached in the middle of a comparison or a race.</summary>
public sealed class GroupAllowanceTests(GroupsFixture fixture) : IClassFixture<GroupsFixture>
{
    private static readonly string[] Models = ["chat-default", "gemini-default", "mistral-default"];

    [Theory]
    [InlineData("compare")]
    [InlineData("race")]
    public async Task two_answers_fit_and_the_third_fails_alone(string path)
    {
        var hold = $"h{Guid.NewGuid():N}";
        await using var api = await fixture.StartAsync();
        var (reservedBefore, usedBefore) = await api.AllowanceAsync();
        Assert.Equal(0, reservedBefore);
        // Each reserves 8,192 tokens for its answer and some hundred for the question.
        await using var limited = await fixture.StartAsync(("Plans:Pro:TokensPerMonth", $"{usedBefore + 20_000}"));
        using var response = await limited.Client.AskAsync(path, new
        {
            message = $"Explain rain <<demo length=20 hold={hold}@10>>",
            models = Models,
            accept = path == "race" ? new { contains = "no model says this" } : null,
        });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(TestContext.Current.CancellationToken);

        var seen = await events.ReadUntilAsync(read =>
            read.Where(one => one.Type == "delta").Select(one => one.Id("runId")).Distinct().Count() == 2 && read.Exists(one => one.Type == "error"));
        await fixture.Gateway.ReleaseAsync(hold);
        seen.AddRange(await events.ReadToDoneAsync());

        Assert.Equal("allowance_exceeded", Assert.Single(seen.Failures()).Value);
        Assert.Equal(["complete", "complete", "failed"], seen[^1].Statuses().Order(StringComparer.Ordinal));
        Assert.All(
            await limited.RowsAsync(seen[0].Id("requestId"), 2), row => Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source)));
        var conversation = await limited.Client.ConversationAsync(seen[0].Id("conversationId"));
        Assert.Equal(Models, conversation.Messages("assistant").Select(one => one.GetProperty("model").GetString()));
        Assert.Equal(seen[^1].Statuses(), conversation.Statuses());
        // Nothing stays reserved, and what is used is what the two answers have in the ledger.
        var rows = await limited.RowsAsync(seen[0].Id("requestId"), 2);
        Assert.Equal((0, usedBefore + rows.Sum(row => row.PromptTokens + row.CompletionTokens)), await limited.AllowanceAsync());
    }

    [Theory]
    [InlineData("compare")]
    [InlineData("race")]
    public async Task when_none_fits_each_fails_and_nothing_is_sent(string path)
    {
        await using var api = await fixture.StartAsync(("Plans:Pro:TokensPerMonth", "1"));
        var before = (await fixture.Gateway.CallsAsync()).Length;

        using var response = await api.Client.AskAsync(path, new { message = "Explain rain", models = Models });
        var seen = await response.ReadAllEventsAsync();

        Assert.Equal(Models.Select(model => (model, (string?)"allowance_exceeded")), seen.Failures().Select(one => (one.Key, one.Value)).OrderBy(one => one.Key, StringComparer.Ordinal));
        Assert.Equal(["failed", "failed", "failed"], seen[^1].Statuses());
        Assert.DoesNotContain(seen, one => one.Type == "winner");
        Assert.Equal(before, (await fixture.Gateway.CallsAsync()).Length);
        await api.RowsAsync(seen[0].Id("requestId"), 0);
    }
}
