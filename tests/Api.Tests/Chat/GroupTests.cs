using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.Api.Tests.Llm;
using LlmAspire.Api.Tests.Runs;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.Chat;

/// <summary>Several models at once, at the demo gateway: the ledger against what the gateway itself says it served.</summary>
public sealed class GroupTests(ComplianceFixture stack, ITestOutputHelper output) : IClassFixture<ComplianceFixture>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_comparison_is_exact_in_the_ledger_and_one_that_fails_ends_nothing_but_itself()
    {
        using var client = await stack.SignInAsync(OnStop.Cancel, "enterprise");
        using var response = await client.AskAsync("compare", new
        {
            message = "Explain rain <<demo length=40>> <<demo@claude-default error=10>>",
            models = new[] { "chat-default", "claude-default", "gemini-default" },
        });

        var events = await response.ReadAllEventsAsync();

        var started = events[0];
        Assert.Equal("runs", started.Type);
        Assert.Equal(["chat-default", "claude-default", "gemini-default"], started.Answers("runs").Select(one => one.GetProperty("model").GetString()));
        Assert.Equal("done", events[^1].Type);
        Assert.False(events[^1].Data.TryGetProperty("runId", out _));
        Assert.Equal(["complete", "failed", "complete"], events[^1].Answers("answers").Select(one => one.GetProperty("status").GetString()));
        foreach (var run in started.Answers("runs"))
        {
            var own = events.Where(one => one.Id?.StartsWith($"{run.GetProperty("runId").GetGuid()}:1:", StringComparison.Ordinal) == true).ToList();
            Assert.All(own, one => Assert.Equal(run.GetProperty("runId").GetGuid(), one.Id("runId")));
            Assert.All(own, one => Assert.Equal(run.GetProperty("model").GetString(), one.Data.GetProperty("model").GetString()));
            Assert.Equal("run", own[0].Type);
            Assert.Equal(["usage", run.GetProperty("model").GetString() == "claude-default" ? "error" : "done"], own[^2..].Select(one => one.Type));
            // The stream of the run itself has the same events, by the same ids.
            Assert.Equal(own.Select(one => one.Id), (await client.ReadRunAsync(run.GetProperty("runId").GetGuid())).Select(one => one.Id));
        }

        var rows = await stack.RowsAsync(started.Id("requestId"));
        Assert.Equal(["chat-default", "claude-default", "gemini-default"], rows.Select(row => row.ModelAlias).Order(StringComparer.Ordinal));
        Assert.All(rows, row => Assert.Equal(UsageOperation.Compare, row.Operation));
        foreach (var row in rows)
        {
            var (served, recorded) = ((await stack.ServedAsync(row.Id)).Tokens, (row.PromptTokens, row.CompletionTokens));
            output.WriteLine($"{row.ModelAlias}: {row.Outcome}, {row.Source}; served {served.Prompt}+{served.Completion}, in the ledger {recorded}");
            if (row.ModelAlias == "claude-default")
            {
                // It broke off without usage: a marked estimate.
                Assert.Equal((UsageOutcome.Failed, UsageSource.Estimated), (row.Outcome, row.Source));
            }
            else
            {
                Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source));
                Assert.Equal((served.Prompt, served.Completion), recorded);
            }
        }

        var conversation = await client.ConversationAsync(started.Id("conversationId"));
        var answers = conversation.Messages("assistant");
        Assert.Equal(["chat-default", "claude-default", "gemini-default"], answers.Select(one => one.GetProperty("model").GetString()));
        Assert.All(answers, one => Assert.Equal(started.Id("userMessageId"), one.GetProperty("parentId").GetGuid()));
        Assert.Single(conversation.Messages("user"));

        // The user goes on with the last one.
        var chosen = started.Answers("runs")[2].GetProperty("messageId").GetGuid();
        var next = await client.SendAsync(new { conversationId = started.Id("conversationId"), parentMessageId = chosen, message = "And snow?" });
        conversation = await client.ConversationAsync(started.Id("conversationId"));
        Assert.Equal(chosen, conversation.Message(next[0].Id("userMessageId")).GetProperty("parentId").GetGuid());
        Assert.Equal(next[0].Id("messageId"), conversation.GetProperty("currentMessageId").GetGuid());
    }

    [Fact]
    public async Task one_answer_of_a_comparison_can_be_stopped_and_a_reader_who_was_cut_off_reads_on()
    {
        var hold = $"h{Guid.NewGuid():N}";
        using var client = await stack.SignInAsync(OnStop.Cancel, "enterprise");
        Guid conversation, kept, stopped;
        string[] last;
        List<ReceivedEvent> seen;
        using (var response = await client.AskAsync("compare", new
        {
            message = $"Explain rain <<demo length=40>> <<demo@chat-default hold={hold}a@10>> <<demo@gemini-default hold={hold}b@10>>",
            models = new[] { "chat-default", "gemini-default" },
        }))
        {
            await using var events = response.ReadEventsAsync().GetAsyncEnumerator(Token);
            seen = await events.ReadUntilAsync(read => read.Where(one => one.Type == "delta").Select(one => one.Id("runId")).Distinct().Count() == 2);
            conversation = seen[0].Id("conversationId");
            (kept, stopped) = (seen[0].Answers("runs")[0].GetProperty("runId").GetGuid(), seen[0].Answers("runs")[1].GetProperty("runId").GetGuid());
            last = [.. seen.Where(one => one.Id is not null).GroupBy(one => one.Id("runId")).Select(group => group.Last().Id!)];
        }

        using (var stop = await client.DeleteAsync($"/chat/runs/{stopped}", Token))
        {
            Assert.Equal(HttpStatusCode.NoContent, stop.StatusCode);
        }

        var rest = await client.ReadRunAsync(stopped, last.Single(id => id.StartsWith($"{stopped}", StringComparison.Ordinal)));
        Assert.Equal("stopped", rest[^1].Data.GetProperty("finishReason").GetString());
        await stack.ReleaseAsync($"{hold}a");
        rest = await client.ReadRunAsync(kept, last.Single(id => id.StartsWith($"{kept}", StringComparison.Ordinal)));
        Assert.Equal("stop", rest[^1].Data.GetProperty("finishReason").GetString());

        var answers = (await client.ConversationAsync(conversation)).Messages("assistant");
        Assert.Equal(["complete", "stopped"], answers.Select(one => one.GetProperty("status").GetString()));
        Assert.Equal(seen.Where(one => one.Id is not null && one.Id("runId") == kept).Concat(rest).Text(), answers[0].GetProperty("content").GetString());
        var rows = (await stack.RowsAsync(seen[0].Id("requestId"))).OrderBy(row => row.ModelAlias, StringComparer.Ordinal).ToList();
        Assert.Equal([(UsageOutcome.Completed, UsageSource.Provider), (UsageOutcome.Stopped, UsageSource.Estimated)], rows.Select(row => (row.Outcome, row.Source)));
    }

    [Theory]
    [InlineData(OnStop.Drain)]
    [InlineData(OnStop.Cancel)]
    public async Task the_losers_of_a_race_are_exact_when_they_are_drained_and_marked_estimates_when_they_are_cancelled(OnStop onStop)
    {
        var hold = $"h{Guid.NewGuid():N}";
        using var client = await stack.SignInAsync(onStop, "enterprise");
        using var response = await client.AskAsync("race", new
        {
            message = $"Explain rain <<demo length=60>> <<demo@chat-default hold={hold}a@20>> <<demo@mistral-default hold={hold}c@20>> <<demo@gemini-default hold={hold}b@20>>",
            models = new[] { "chat-default", "gemini-default", "mistral-default" },
        });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(Token);

        // All have begun; the second one is let go.
        var seen = await events.ReadUntilAsync(read => read.Where(one => one.Type == "delta").Select(one => one.Id("runId")).Distinct().Count() == 3);
        await stack.ReleaseAsync($"{hold}b");
        seen.AddRange(await events.ReadUntilAsync(read => read[^1].Type == "winner"));
        // The winner is known, and current, while the others are still being read on.
        var winner = seen[^1];
        Assert.Equal("gemini-default", winner.Data.GetProperty("model").GetString());
        Assert.Equal(winner.Id("messageId"), (await client.ConversationAsync(seen[0].Id("conversationId"))).GetProperty("currentMessageId").GetGuid());
        await stack.ReleaseAsync($"{hold}a");
        await stack.ReleaseAsync($"{hold}c");
        seen.AddRange(await events.ReadUntilAsync(read => read[^1].Type == "done" && !read[^1].Data.TryGetProperty("runId", out _)));

        var done = seen[^1];
        Assert.Equal(winner.Id("runId"), done.Id("winnerRunId"));
        Assert.Equal(["stopped", "complete", "stopped"], done.Answers("answers").Select(one => one.GetProperty("status").GetString()));
        var rows = await stack.RowsAsync(seen[0].Id("requestId"));
        Assert.Equal(3, rows.Count);
        Assert.All(rows, row => Assert.Equal(UsageOperation.Race, row.Operation));
        foreach (var row in rows)
        {
            var served = (await stack.ServedAsync(row.Id)).Tokens;
            output.WriteLine($"{onStop}, {row.ModelAlias}: {row.Outcome}, {row.Source}; served {served.Prompt}+{served.Completion}, in the ledger {row.PromptTokens}+{row.CompletionTokens}");
            if (row.ModelAlias == "gemini-default" || onStop == OnStop.Drain)
            {
                Assert.Equal(UsageSource.Provider, row.Source);
                Assert.Equal((served.Prompt, served.Completion), (row.PromptTokens, row.CompletionTokens));
            }
            else
            {
                Assert.Equal(UsageSource.Estimated, row.Source);
                Assert.True(row.CompletionTokens > 0);
            }

            Assert.Equal(row.ModelAlias == "gemini-default" ? UsageOutcome.Completed : UsageOutcome.Stopped, row.Outcome);
            Assert.Equal(row.DurationMs, done.Answers("answers").Single(one => one.GetProperty("model").GetString() == row.ModelAlias).GetProperty("durationMs").GetInt32());
        }

        // What is reported as saved is what is known.
        var losers = done.Answers("answers").Where(one => one.GetProperty("status").GetString() == "stopped").ToList();
        Assert.All(losers, one => Assert.Equal(onStop == OnStop.Drain, one.GetProperty("isWhole").GetBoolean()));
        Assert.All(losers, one => Assert.True(one.GetProperty("stoppedAfterMs").GetInt32() >= 0));
        var saved = done.Data.GetProperty("savedMs");
        output.WriteLine($"{onStop}: the winner took {winner.Data.GetProperty("durationMs")} ms; saved {saved} ms; "
            + string.Join(", ", losers.Select(one => $"{one.GetProperty("model")} stopped after {one.GetProperty("stoppedAfterMs")} ms, took {one.GetProperty("durationMs")} ms")));
        if (onStop == OnStop.Drain)
        {
            Assert.Equal(losers.Max(one => one.GetProperty("durationMs").GetInt32()) - winner.Data.GetProperty("durationMs").GetInt32(), saved.GetInt32());
        }
        else
        {
            Assert.Equal(JsonValueKind.Null, saved.ValueKind);
        }

        var conversation = await client.ConversationAsync(seen[0].Id("conversationId"));
        Assert.Equal(winner.Id("messageId"), conversation.GetProperty("currentMessageId").GetGuid());
        Assert.Equal(["stopped", "complete", "stopped"], conversation.Messages("assistant").Select(one => one.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task a_race_is_won_by_the_first_answer_that_is_good_enough_or_by_none()
    {
        using var client = await stack.SignInAsync(OnStop.Cancel, "enterprise");
        object Race(object accept) => new
        {
            message = "Explain rain <<demo@chat-default length=3>> <<demo@claude-default status=500>> <<demo@gemini-default length=80 pace=400>>",
            models = new[] { "chat-default", "claude-default", "gemini-default" },
            accept,
        };

        using var won = await client.AskAsync("race", Race(new { minCharacters = 100, pattern = "[a-z]{2}" }));
        var done = (await won.ReadAllEventsAsync())[^1];
        using var lost = await client.AskAsync("race", Race(new { contains = "no model says this" }));
        var none = await lost.ReadAllEventsAsync();

        Assert.Equal(["complete", "failed", "complete"], done.Answers("answers").Select(one => one.GetProperty("status").GetString()));
        Assert.Equal(done.Answers("answers")[2].GetProperty("runId").GetGuid(), done.Id("winnerRunId"));
        Assert.DoesNotContain(none, one => one.Type == "winner");
        Assert.Equal(JsonValueKind.Null, none[^1].Data.GetProperty("winnerRunId").ValueKind);
        Assert.Equal(["complete", "failed", "complete"], none[^1].Answers("answers").Select(one => one.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task each_answer_takes_a_place_of_the_plan()
    {
        using var basic = await stack.SignInAsync(OnStop.Cancel, "basic");
        using var pro = await stack.SignInAsync(OnStop.Cancel, "pro");
        var hold = $"h{Guid.NewGuid():N}";

        using var many = await basic.AskAsync("compare", new { message = "Hi", models = new[] { "chat-default", "gemini-default", "mistral-default" } });
        Assert.Contains("2 at once, and these are 3", await many.IsProblemAsync(HttpStatusCode.TooManyRequests, "too_many_runs"), StringComparison.Ordinal);
        using var first = await pro.AskAsync(
            "compare", new { message = $"Hi <<demo hold={hold}>>", models = new[] { "chat-default", "gemini-default", "mistral-default" } });
        using var second = await pro.AskAsync("compare", new { message = "Hi", models = new[] { "chat-default", "gemini-default", "mistral-default" } });
        await second.IsProblemAsync(HttpStatusCode.TooManyRequests, "too_many_runs");
        // What was refused holds none of them.
        using var two = await pro.AskAsync("compare", new { message = "Hi", models = new[] { "chat-default", "gemini-default" } });
        Assert.Equal("done", (await two.ReadAllEventsAsync())[^1].Type);
        await stack.ReleaseAsync(hold);
        Assert.Equal("done", (await first.ReadAllEventsAsync())[^1].Type);
    }

    [Theory]
    [InlineData("compare", """["chat-default"]""", null, HttpStatusCode.BadRequest, "models_count")]
    [InlineData("race", """["a","b","c","d","e","f","g"]""", null, HttpStatusCode.BadRequest, "models_count")]
    [InlineData("compare", "null", null, HttpStatusCode.BadRequest, "models_count")]
    [InlineData("compare", """["chat-default",""]""", null, HttpStatusCode.BadRequest, "models_count")]
    [InlineData("race", """["chat-default","gemini-default","chat-default"]""", null, HttpStatusCode.BadRequest, "models_repeated")]
    [InlineData("compare", """["chat-default","nope"]""", null, HttpStatusCode.BadRequest, "model_unknown")]
    [InlineData("race", """["chat-default","strong-reasoning"]""", null, HttpStatusCode.Forbidden, "plan_required")]
    [InlineData("race", """["chat-default","gemini-default"]""", """{"pattern":"("}""", HttpStatusCode.BadRequest, "check_invalid")]
    [InlineData("race", """["chat-default","gemini-default"]""", """{"pattern":"(?=x)"}""", HttpStatusCode.BadRequest, "check_invalid")]
    [InlineData("race", """["chat-default","gemini-default"]""", """{"minCharacters":-1}""", HttpStatusCode.BadRequest, "check_invalid")]
    public async Task what_cannot_be_asked_is_a_problem(string path, string models, string? accept, HttpStatusCode status, string code)
    {
        using var client = await stack.SignInAsync(OnStop.Cancel, "pro");
        using var response = await client.AskAsync(path, JsonDocument.Parse($$"""{"message":"Hi","models":{{models}},"accept":{{accept ?? "null"}}}""").RootElement);

        await response.IsProblemAsync(status, code);
    }

    [Fact]
    public async Task a_message_is_needed_and_somebody_elses_conversation_does_not_exist()
    {
        using var client = await stack.SignInAsync(OnStop.Cancel, "pro");
        string[] models = ["chat-default", "gemini-default"];

        using var empty = await client.AskAsync("compare", new { message = " ", models });
        using var unknown = await client.AskAsync("race", new { message = "Hi", models, conversationId = Guid.CreateVersion7() });

        await empty.IsProblemAsync(HttpStatusCode.BadRequest, "message_empty");
        await unknown.IsProblemAsync(HttpStatusCode.NotFound, "conversation_unknown");
    }
}

internal static class GroupClientExtensions
{
    public static Task<HttpResponseMessage> AskAsync(this HttpClient client, string path, object body) => client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, $"/chat/{path}") { Content = JsonContent.Create(body) },
        HttpCompletionOption.ResponseHeadersRead,
        TestContext.Current.CancellationToken);

    public static List<JsonElement> Answers(this ReceivedEvent received, string name) => [.. received.Data.GetProperty(name).EnumerateArray()];

    public static List<JsonElement> Messages(this JsonElement conversation, string role) =>
        [.. conversation.GetProperty("messages").EnumerateArray().Where(one => one.GetProperty("role").GetString() == role)];

    public static JsonElement Message(this JsonElement conversation, Guid id) =>
        conversation.GetProperty("messages").EnumerateArray().Single(one => one.GetProperty("id").GetGuid() == id);
}
