using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Tests.Runs;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.Tools;

/// <summary>Chats whose model calls tools, at the real demo gateway: what the user sees, what the ledger says, and what the gateway served.</summary>
public class ToolLoopTests(ToolsFixture fixture) : IClassFixture<ToolsFixture>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task each_call_of_a_loop_is_a_row_of_the_same_request_and_the_tokens_are_those_served()
    {
        var events = await AskAsync("What time is it in Berlin, and what is 12.5 * 8? <<demo tool-rounds=2>>", "current_time", "calculator");

        Assert.Equal("done", events[^1].Type);
        var tools = Tools(events);
        Assert.Equal(
            ["1 calculator ok", "1 current_time ok", "2 calculator ok", "2 current_time ok"],
            tools.Select(tool => $"{tool.GetProperty("round").GetInt32()} {Word(tool, "name")} {Word(tool, "state")}").Order(StringComparer.Ordinal));
        Assert.All(tools.Where(tool => Word(tool, "name") == "calculator"), tool => Assert.Equal("""{"value":"100","exact":true}""", Word(tool, "result")));
        Assert.All(tools.Where(tool => Word(tool, "name") == "current_time"), tool => Assert.Contains("Europe/Berlin", Word(tool, "result"), StringComparison.Ordinal));
        Assert.All(tools, tool => Assert.InRange(tool.GetProperty("durationMs").GetInt32(), 0, 60_000));

        var rows = await fixture.RowsAsync(events[0].Id("requestId"));
        Assert.Equal([UsageOperation.Chat, UsageOperation.Tool, UsageOperation.Tool], rows.Select(row => row.Operation));
        foreach (var row in rows)
        {
            Assert.Equal(await fixture.ServedAsync(row.Id), (row.PromptTokens, row.CompletionTokens));
            Assert.Equal((UsageSource.Provider, UsageOutcome.Completed), (row.Source, row.Outcome));
            Assert.Equal(events[0].Id("conversationId"), row.ConversationId);
        }

        Assert.Equal(rows.Select(row => row.Id), events.Where(one => one.Type == "usage").Select(one => one.Id("callId")));
    }

    [Fact]
    public async Task tools_of_one_round_run_at_the_same_time()
    {
        var events = await AskAsync("meeting_left and meeting_right", "meeting_left", "meeting_right");

        Assert.Equal(["met", "met"], Tools(events).Select(tool => Word(tool, "result")));
        Assert.Equal("done", events[^1].Type);
    }

    [Fact]
    public async Task a_failing_tool_is_told_to_the_model_in_our_words()
    {
        var events = await AskAsync("failing, please", "failing");

        var tool = Assert.Single(Tools(events));
        Assert.Equal(("failed", "The tool failed. Trying again may not help."), (Word(tool, "state"), Word(tool, "result")));
        Assert.Contains("The tool failed.", events.Text(), StringComparison.Ordinal);
        Assert.Equal("done", events[^1].Type);
        Assert.DoesNotContain(events, one => one.Data.GetRawText().Contains(ToolsFixture.Secret, StringComparison.Ordinal));
        Assert.DoesNotContain(fixture.Api.Logs.Entries, entry => entry.Text.Contains(ToolsFixture.Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task a_tool_beyond_its_time_is_left_and_the_model_told()
    {
        var events = await AskAsync("endless, please", "endless");

        var tool = Assert.Single(Tools(events));
        Assert.Equal(("timeout", "The tool did not answer within 0.05 seconds."), (Word(tool, "state"), Word(tool, "result")));
        Assert.Equal("done", events[^1].Type);
    }

    [Fact]
    public async Task arguments_that_are_no_json_are_told_to_the_model()
    {
        var events = await AskAsync("What is 12 * 7? <<demo tool-arguments=broken>>", "calculator");

        var tool = Assert.Single(Tools(events));
        Assert.Equal(("failed", JsonValueKind.Null), (Word(tool, "state"), tool.GetProperty("arguments").ValueKind));
        Assert.StartsWith("The arguments were not a JSON object.", Word(tool, "result"), StringComparison.Ordinal);
        Assert.Equal("done", events[^1].Type);
    }

    [Fact]
    public async Task what_a_tool_says_too_much_is_cut()
    {
        var events = await AskAsync("talkative, please", "talkative");

        Assert.InRange(Word(Assert.Single(Tools(events)), "result").Length, 20_000, 20_100);
    }

    [Fact]
    public async Task after_so_many_rounds_the_model_has_to_answer()
    {
        var events = await AskAsync("What is 12 * 7? <<demo tool-rounds=20>>", "calculator");

        Assert.Equal(3, Tools(events).Count);
        Assert.Equal(("done", "stop"), (events[^1].Type, Word(events[^1].Data, "finishReason")));
        Assert.NotEqual("", events.Text());
        var rows = await fixture.RowsAsync(events[0].Id("requestId"));
        Assert.Equal(4, rows.Count);
        foreach (var row in rows)
        {
            Assert.Equal(await fixture.ServedAsync(row.Id), (row.PromptTokens, row.CompletionTokens));
        }
    }

    [Fact]
    public async Task tools_are_there_after_a_reload_and_in_exports()
    {
        var events = await AskAsync("What is 12 * 7?", "calculator");
        var conversation = events[0].Id("conversationId");

        var answer = await AnswerAsync(events[0]);
        var stored = Assert.Single(answer.GetProperty("tools").EnumerateArray());
        Assert.Equal(Assert.Single(Tools(events)).GetRawText(), stored.GetRawText());
        var markdown = await fixture.Client.GetStringAsync($"/conversations/{conversation}/export", Token);
        Assert.Contains("*Tool calculator (ok)*\n\n```\n{\"expression\":\"12 * 7\"}\n```\n\n```\n{\"value\":\"84\",\"exact\":true}\n```\n", markdown, StringComparison.Ordinal);
        var json = await fixture.Client.GetFromJsonAsync<JsonElement>($"/conversations/{conversation}/export?format=json", Token);
        Assert.Equal("84", JsonDocument.Parse(Word(json.GetProperty("messages")[1].GetProperty("tools")[0], "result")).RootElement.GetProperty("value").GetString());
    }

    [Fact]
    public async Task a_stream_with_tools_is_taken_up_where_it_was()
    {
        var events = await AskAsync("What is 12 * 7?", "calculator");
        var called = events.FindIndex(one => one.Type == "tool");

        var rest = await fixture.Client.ReadRunAsync(events[0].Id("runId"), events[called].Id);

        Assert.Equal(events[(called + 1)..].Lines(), rest.Lines());
    }

    [Fact]
    public async Task stopping_in_the_middle_of_a_tool_ends_it_and_going_on_knows_of_it()
    {
        var key = "waiting, please";
        using var response = await fixture.Client.ChatAsync(new { message = key, tools = new[] { "waiting" } });
        await using var reader = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var read = await reader.ReadUntilAsync(all => all[^1].Type == "tool");
        var run = read[0].Id("runId");
        await fixture.IsCalledAsync(key);

        using var stopped = await fixture.Client.DeleteAsync($"/chat/runs/{run}", Token);
        var rest = await reader.ReadUntilAsync(all => all[^1].Type == "done");

        Assert.Equal(["tool", "usage", "done"], rest.Select(one => one.Type));
        Assert.Equal("stopped", Word(rest[0].Data, "state"));
        Assert.Equal("stopped", Word(rest[^1].Data, "finishReason"));
        var row = Assert.Single(await fixture.RowsAsync(read[0].Id("requestId")));
        Assert.Equal((UsageSource.Provider, UsageOutcome.Completed), (row.Source, row.Outcome));
        Assert.Equal(await fixture.ServedAsync(row.Id), (row.PromptTokens, row.CompletionTokens));
        Assert.Equal("stopped", Word(Assert.Single((await AnswerAsync(read[0])).GetProperty("tools").EnumerateArray()), "state"));

        using var continued = await fixture.Client.ContinueAsync(run);
        Assert.Equal(HttpStatusCode.OK, continued.StatusCode);
        var more = await continued.ReadAllEventsAsync();
        Assert.Equal("done", more[^1].Type);
        Assert.Contains("The call was cut off", more.Text(), StringComparison.Ordinal);
        // Who comes back has the tools of the first attempt too.
        var reset = (await fixture.Client.ReadRunAsync(run, $"{run}:1:2"))[0];
        Assert.Equal(("reset", "waiting"), (reset.Type, Word(Assert.Single(reset.Data.GetProperty("tools").EnumerateArray()), "name")));
        Assert.Equal(UsageOperation.Tool, Assert.Single(await fixture.RowsAsync(more[0].Id("requestId"))).Operation);
    }

    [Fact]
    public async Task my_usage_reads_the_callers_own_ledger_only()
    {
        using var rival = await fixture.Api.CreateSignedInClientAsync("rival");
        var events = await AskAsync("What is my usage?", "my_usage");
        using var response = await rival.ChatAsync(new { message = "What is my usage?", tools = new[] { "my_usage" } });
        var others = await response.ReadAllEventsAsync();

        var told = JsonDocument.Parse(Word(Assert.Single(Tools(events)), "result")).RootElement;
        Assert.Equal(30, told.GetProperty("days").GetInt32());
        var theirs = JsonDocument.Parse(Word(Assert.Single(Tools(others)), "result")).RootElement;
        Assert.Equal(0, theirs.GetProperty("total").GetProperty("calls").GetInt64());
    }

    [Fact]
    public async Task the_list_has_what_the_plan_has_and_says_which_plan_has_the_rest()
    {
        var own = await fixture.Client.GetFromJsonAsync<JsonElement>("/chat/tools", Token);
        var all = await fixture.Client.GetFromJsonAsync<JsonElement>("/chat/tools?include=locked", Token);

        Assert.Contains("calculator", own.EnumerateArray().Select(tool => Word(tool, "name")));
        Assert.DoesNotContain("treasure", own.EnumerateArray().Select(tool => Word(tool, "name")));
        var locked = Assert.Single(all.EnumerateArray(), tool => !tool.GetProperty("available").GetBoolean());
        Assert.Equal(("treasure", "Treasure", "enterprise"), (Word(locked, "name"), Word(locked, "label"), Word(locked, "requiredPlan")));
    }

    [Theory]
    [InlineData("treasure", HttpStatusCode.Forbidden, "plan_required")]
    [InlineData("nothing", HttpStatusCode.BadRequest, "tool_unknown")]
    public async Task a_tool_that_may_not_be_used_is_named_and_nothing_is_called(string tool, HttpStatusCode status, string code)
    {
        using var response = await fixture.Client.ChatAsync(new { message = "Hi", tools = new[] { "calculator", tool } });

        Assert.Equal(status, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.Equal(code, Word(problem, "code"));
        Assert.Contains($"'{tool}'", Word(problem, "title"), StringComparison.Ordinal);
    }

    private async Task<List<ReceivedEvent>> AskAsync(string message, params string[] tools)
    {
        using var response = await fixture.Client.ChatAsync(new { message, tools });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.ReadAllEventsAsync();
    }

    private async Task<JsonElement> AnswerAsync(ReceivedEvent begun) =>
        (await fixture.Client.ConversationAsync(begun.Id("conversationId"))).GetProperty("messages").EnumerateArray()
            .Single(message => message.GetProperty("id").GetGuid() == begun.Id("messageId"));

    /// <summary>Each call as it was told last.</summary>
    private static List<JsonElement> Tools(IEnumerable<ReceivedEvent> events) =>
        [.. events.Where(one => one.Type == "tool").GroupBy(one => (one.Data.GetProperty("round").GetInt32(), Word(one.Data, "callId"))).Select(call => call.Last().Data)];

    private static string Word(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
