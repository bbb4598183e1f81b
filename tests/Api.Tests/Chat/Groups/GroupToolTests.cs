using System.Text.Json;
using LlmAspire.Api.Tests.Runs;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.Chat.Groups;

/// <summary>Several models that call tools, at the same time.</summary>
public sealed class GroupToolTests(GroupsFixture fixture) : IClassFixture<GroupsFixture>
{
    private static readonly string[] Models = ["chat-default", "claude-default", "gemini-default"];

    [Theory]
    [InlineData("compare", UsageOperation.Compare)]
    [InlineData("race", UsageOperation.Race)]
    public async Task each_calls_its_tools_and_every_call_of_its_loop_is_exact(string path, UsageOperation operation)
    {
        await using var api = await fixture.StartAsync();

        using var response = await api.Client.AskAsync(path, new
        {
            message = "What time is it in Berlin, and what is 12.5 * 8? <<demo tool-rounds=2>>",
            models = Models,
            tools = new[] { "current_time", "calculator" },
            accept = path == "race" ? new { contains = "no model says this" } : null,
        });
        var seen = await response.ReadAllEventsAsync();

        Assert.Equal(["complete", "complete", "complete"], seen[^1].Statuses());
        var rows = await api.RowsAsync(seen[0].Id("requestId"), 9);
        Assert.All(rows, row => Assert.Equal((operation, UsageOutcome.Completed, UsageSource.Provider), (row.Operation, row.Outcome, row.Source)));
        Assert.Equal(Models.SelectMany(model => Enumerable.Repeat(model, 3)), rows.Select(row => row.ModelAlias));
        var answers = (await api.Client.ConversationAsync(seen[0].Id("conversationId"))).Messages("assistant");
        Assert.Equal(Models, answers.Select(one => Word(one, "model")));
        foreach (var (answer, run) in answers.Zip(seen[0].Answers("runs")))
        {
            var own = seen.Where(one => one.Id is not null && one.Id("runId") == run.GetProperty("runId").GetGuid()).ToList();
            var told = own.Where(one => one.Type == "tool").GroupBy(one => (one.Data.GetProperty("round").GetInt32(), Word(one.Data, "callId"))).Select(call => call.Last().Data).ToList();
            Assert.Equal(["1 calculator ok", "1 current_time ok", "2 calculator ok", "2 current_time ok"], Summaries(told));
            // What is stored of it is what was told of it, and of no sibling.
            var stored = answer.GetProperty("tools").EnumerateArray().ToList();
            Assert.Equal(Summaries(told), Summaries(stored));
            Assert.Equal(told.Select(one => Word(one, "callId")).Order(StringComparer.Ordinal), stored.Select(one => Word(one, "callId")).Order(StringComparer.Ordinal));
            Assert.All(stored.Where(one => Word(one, "name") == "calculator"), one => Assert.Equal("""{"value":"100","exact":true}""", Word(one, "result")));
            Assert.Equal(
                rows.Where(row => row.ModelAlias == Word(answer, "model")).Select(row => row.Id), own.Where(one => one.Type == "usage").Select(one => one.Id("callId")));
            Assert.Equal(own.Text(), Word(answer, "content"));
            Assert.Equal(3, answer.GetProperty("usage").GetArrayLength());
        }
    }

    private static List<string> Summaries(IEnumerable<JsonElement> tools) =>
        [.. tools.Select(tool => $"{tool.GetProperty("round").GetInt32()} {Word(tool, "name")} {Word(tool, "state")}").Order(StringComparer.Ordinal)];

    private static string? Word(JsonElement element, string name) => element.GetProperty(name).GetString();
}
