using System.Text;
using System.Text.Json;
using AngleSharp.Dom;
using Bunit;
using LlmAspire.Web.Api;
using LlmAspire.Web.Chat;
using LlmAspire.Web.Compare;
using LlmAspire.Web.Conversations;
using LlmAspire.Web.Models;
using LlmAspire.Web.Prompts;
using LlmAspire.Web.Reports;
using LlmAspire.Web.Tests.Reports;
using LlmAspire.Web.Tools;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor.Services;

namespace LlmAspire.Web.Tests.Compare;

public class ComparePageTests
{
    private static readonly Guid Conversation = Guid.CreateVersion7();

    [Fact]
    public async Task answers_stream_side_by_side_with_their_usage_and_cost_and_one_is_gone_on_with()
    {
        await using var test = await CompareContext.StartAsync();
        var call = await test.AskAsync("Which is better?");
        Assert.Equal(["chat-default", "claude-default"], call.Body.GetProperty("models").EnumerateArray().Select(one => one.GetString()));
        var runs = await BeginAsync(call);

        await EventAsync(call, runs[0], "delta", new { text = "The **first** one" });
        await EventAsync(call, runs[1], "delta", new { text = "The second" });
        test.Until(() => Assert.Equal("first", test.FindAll(TestIds.AnswerText)[0].QuerySelector("strong")?.TextContent));
        test.Until(() => Assert.Contains("The second", test.FindAll(TestIds.AnswerText)[1].TextContent, StringComparison.Ordinal));
        Assert.Equal(["streaming", "streaming"], test.States);
        Assert.Equal(2, test.FindAll(TestIds.CompareStop).Count);
        await EndAsync(call, runs[1], "done", new { finishReason = "stop" });
        test.Until(() => Assert.Equal(["streaming", "done"], test.States));
        Assert.Single(test.FindAll(TestIds.CompareContinue));
        await EndAsync(call, runs[0], "error", new { title = "No", status = 502, code = "provider_failed", detail = "No.", traceId = "" });
        await WriteAsync(call, "done", null, new { requestId = Guid.Empty, answers = Array.Empty<object>() });
        call.End();

        test.Until(() => Assert.Equal(["error", "done"], test.States));
        var second = test.FindAll(TestIds.CompareAnswer)[1];
        Assert.Equal("claude-default", second.GetAttribute("data-model"));
        Assert.Equal("56", second.QuerySelector($"[data-testid={TestIds.Usage}]")!.GetAttribute("data-completion-tokens"));
        test.Until(() => Assert.Equal("0.00012", test.FindAll(TestIds.CompareAnswer)[1].QuerySelector($"[data-testid={TestIds.CompareCost}] data")?.GetAttribute("value")));

        var going = test.ClickAsync(test.FindAll(TestIds.CompareAnswer)[1].QuerySelector($"[data-testid={TestIds.CompareContinue}]")!);
        Assert.Equal(runs[1].MessageId, (await test.Api.NextChangeAsync()).GetProperty("currentMessageId").GetGuid());
        await going;
        test.Until(() => Assert.EndsWith($"/c/{Conversation}", test.Navigation.Uri, StringComparison.Ordinal));
    }

    [Fact]
    public async Task a_stream_that_breaks_is_read_on_answer_by_answer_and_one_is_stopped()
    {
        await using var test = await CompareContext.StartAsync();
        var call = await test.AskAsync("Which is better?");
        var runs = await BeginAsync(call);
        await EventAsync(call, runs[0], "delta", new { text = "Half" });
        test.Until(() => Assert.Contains("Half", test.FindAll(TestIds.AnswerText)[0].TextContent, StringComparison.Ordinal));

        call.Abort();
        var follows = new[] { await test.Api.NextFollowAsync(), await test.Api.NextFollowAsync() }.ToDictionary(one => one.RunId);
        Assert.Equal($"{runs[0].RunId}:1:1", follows[runs[0].RunId].LastEventId);
        await follows[runs[0].RunId].EventAsync("delta", new { text = " and half" });
        await follows[runs[0].RunId].DoneAsync();
        test.Until(() => Assert.Equal(["done", "streaming"], test.States));
        Assert.Contains("Half and half", test.FindAll(TestIds.AnswerText)[0].TextContent, StringComparison.Ordinal);

        await test.ClickAsync(test.FindAll(TestIds.CompareStop)[0]);
        Assert.Equal(runs[1].RunId, await test.Api.NextStopAsync());
        await follows[runs[1].RunId].DoneAsync("stopped");
        test.Until(() => Assert.Equal(["done", "stopped"], test.States));
    }

    [Fact]
    public async Task a_refusal_says_why_and_keeps_the_message()
    {
        await using var test = await CompareContext.StartAsync();
        test.Api.RefuseChat = context => FakeApi.ProblemAsync(context, StatusCodes.Status429TooManyRequests, "too_many_runs", "Your plan has 1 at once.");

        await test.AskAsync("Which is better?");

        test.Until(() => Assert.Contains("Your plan has 1 at once.", test.FindAll(TestIds.Error).Single().TextContent, StringComparison.Ordinal));
        test.Until(() => test.Input.VerifyInvoke("bringBack"));
        Assert.Empty(test.FindAll(TestIds.CompareAnswer));
    }

    [Fact]
    public async Task two_models_at_least_are_asked()
    {
        await using var test = await CompareContext.StartAsync();

        await test.Page.InvokeAsync(() => test.FindAll(TestIds.CompareModel)[0].ChangeAsync(new ChangeEventArgs { Value = false }));

        test.Until(() => Assert.True(test.FindAll(TestIds.Send).Single().HasAttribute("disabled")));
        Assert.Contains("Choose at least 2 models.", test.Page.Markup, StringComparison.Ordinal);
    }

    [Fact]
    public async Task the_next_message_of_a_conversation_is_asked_with_its_prompt_and_the_chosen_tools_as_often_as_one_likes()
    {
        var (question, answer, promptId) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        await using var test = await CompareContext.StartAsync(
            ComparePage.AddressOf(Conversation, null),
            api =>
            {
                api.Tools = [Tool("current_time"), Tool("calculator")];
                api.Conversation = new
                {
                    id = Conversation,
                    title = "Rain",
                    currentMessageId = answer,
                    messages = new object[]
                    {
                        new { id = question, role = "user", content = "Why does it rain?", status = "complete", usage = Array.Empty<object>() },
                        new { id = answer, parentId = question, role = "assistant", content = "Clouds are full.", status = "complete", usage = Array.Empty<object>() },
                    },
                    prompt = new { id = promptId, version = 2, name = "Weather", text = "You rain." },
                };
            },
            "calculator");
        test.Until(() => Assert.Contains("Clouds are full.", test.FindAll(TestIds.CompareOrigin).Single().TextContent, StringComparison.Ordinal));
        Assert.Equal(promptId.ToString(), test.FindAll(TestIds.PromptInUse).Single().GetAttribute("data-prompt-id"));
        test.Until(() => Assert.Equal("calculator", test.FindAll(TestIds.ToolPicker).Single().GetAttribute("data-chosen")));

        for (var time = 0; time < 2; time++)
        {
            var call = await test.AskAsync("And snow?");
            Assert.Equal((Conversation, answer), (call.Body.GetProperty("conversationId").GetGuid(), call.Body.GetProperty("parentMessageId").GetGuid()));
            Assert.Equal(["calculator"], call.Body.GetProperty("tools").EnumerateArray().Select(tool => tool.GetString()));
            Assert.Equal(JsonValueKind.Null, call.Body.GetProperty("promptId").ValueKind);
            var runs = await BeginAsync(call);
            await EndAsync(call, runs[0], "done", new { finishReason = "stop" });
            await EndAsync(call, runs[1], "done", new { finishReason = "stop" });
            await WriteAsync(call, "done", null, new { answers = Array.Empty<object>() });
            call.End();
            test.Until(() => Assert.Equal(["done", "done"], test.States));
        }
    }

    [Fact]
    public async Task a_new_conversation_begins_with_the_prompt_of_the_address_and_no_tools_where_one_of_the_models_cannot_use_them()
    {
        var promptId = Guid.CreateVersion7();
        await using var test = await CompareContext.StartAsync(
            ComparePage.AddressOf(null, promptId),
            api =>
            {
                api.Tools = [Tool("current_time")];
                api.Models = context => context.Response.WriteAsJsonAsync(new object[]
                {
                    new { id = "chat-default", label = "One", available = true },
                    new { id = "claude-default", label = "Plain", available = true, supportsTools = false },
                });
                api.Other = context => Task.FromResult(context.Request.Path == $"/prompts/{promptId}"
                    ? Results.Json(new { id = promptId, name = "Baker", text = "You bake.", visibility = "private", version = 3, owner = new { id = promptId }, updatedAt = DateTimeOffset.UtcNow })
                    : Results.NotFound());
            },
            "current_time");
        test.Until(() => Assert.Equal("3", test.FindAll(TestIds.PromptInUse).Single().GetAttribute("data-version")));
        test.Until(() => Assert.Equal("", test.FindAll(TestIds.ToolPicker).Single().GetAttribute("data-chosen")));

        var call = await test.AskAsync("Bread?");

        Assert.Equal(promptId, call.Body.GetProperty("promptId").GetGuid());
        Assert.Equal(JsonValueKind.Null, call.Body.GetProperty("tools").ValueKind);
        Assert.Equal(JsonValueKind.Null, call.Body.GetProperty("conversationId").ValueKind);
    }

    [Theory]
    [InlineData(true, 2720, "drained", "savedMs")]
    [InlineData(false, null, "cancelled", null)]
    public async Task a_race_says_who_won_what_the_loser_used_and_what_was_saved_where_that_is_known(bool isWhole, int? saved, string place, string? figure)
    {
        await using var test = await CompareContext.StartAsync();
        await test.ChooseAsync(TestIds.RaceMode);
        await test.EnterAsync(TestIds.RaceLength, "20");
        await test.EnterAsync(TestIds.RaceWords, "rain");
        await test.EnterAsync(TestIds.RacePattern, "all|much");
        var call = await test.AskAsync("Who is first?");
        Assert.Equal("/chat/race", call.Context.Request.Path);
        Assert.Equal("""{"minCharacters":20,"contains":"rain","pattern":"all|much"}""", call.Body.GetProperty("accept").GetRawText());
        var runs = await BeginAsync(call);
        await EventAsync(call, runs[0], "delta", new { text = "I have only" });
        await EventAsync(call, runs[1], "delta", new { text = "Here is all about rain." });
        await EndAsync(call, runs[1], "done", new { finishReason = "stop" });
        await WriteAsync(call, "winner", null, new { runId = runs[1].RunId, messageId = runs[1].MessageId, model = runs[1].Model, durationMs = 420 });

        // The winner comes first, the other is being stopped.
        test.Until(() => Assert.Equal("claude-default", test.FindAll(TestIds.RaceResult).Single().GetAttribute("data-winner")));
        test.Until(() => Assert.Equal(["claude-default", "chat-default"], test.FindAll(TestIds.CompareAnswer).Select(one => one.GetAttribute("data-model"))));
        Assert.True(test.FindAll(TestIds.CompareStop).Single().HasAttribute("disabled"));
        await EndAsync(call, runs[0], "done", new { finishReason = "stopped" });
        await WriteAsync(call, "done", null, new
        {
            winnerRunId = runs[1].RunId,
            savedMs = saved,
            answers = new object[]
            {
                new { runId = runs[0].RunId, status = "stopped", durationMs = 3140, isWhole, stoppedAfterMs = 420 },
                new { runId = runs[1].RunId, status = "complete", durationMs = 420, isWhole = true },
            },
        });
        call.End();

        test.Until(() => Assert.Equal(["won", place], test.FindAll(TestIds.RacePlace).Select(one => one.GetAttribute("data-place"))));
        Assert.Equal(["420", "3140"], test.FindAll(TestIds.RacePlace).Select(one => one.QuerySelector("data")!.GetAttribute("value")));
        var result = test.FindAll(TestIds.RaceResult).Single();
        Assert.Equal("68", result.QuerySelector("[data-figure=lostTokens]")!.GetAttribute("value"));
        Assert.Equal(figure is null ? null : "2720", result.QuerySelector("[data-figure=savedMs]")?.GetAttribute("value"));
        Assert.Equal(figure is null, result.TextContent.Contains("not known", StringComparison.Ordinal));
    }

    [Fact]
    public async Task a_race_that_nobody_won_keeps_all()
    {
        await using var test = await CompareContext.StartAsync();
        await test.ChooseAsync(TestIds.RaceMode);
        var call = await test.AskAsync("Who is first?");
        Assert.Equal(JsonValueKind.Null, call.Body.GetProperty("accept").ValueKind);
        var runs = await BeginAsync(call);
        await EventAsync(call, runs[0], "delta", new { text = "No." });
        await EndAsync(call, runs[0], "done", new { finishReason = "length" });
        await EndAsync(call, runs[1], "error", new { title = "No", status = 502, code = "provider_failed", detail = "No.", traceId = "" });
        await WriteAsync(call, "done", null, new { answers = new object[] { new { runId = runs[0].RunId, durationMs = 3140, isWhole = true } } });
        call.End();

        test.Until(() => Assert.Contains("Nobody won.", test.FindAll(TestIds.RaceResult).Single().TextContent, StringComparison.Ordinal));
        Assert.Equal("not-good", test.FindAll(TestIds.RacePlace).Single().GetAttribute("data-place"));
        Assert.Single(test.FindAll(TestIds.CompareContinue));
    }

    [Fact]
    public async Task a_race_whose_stream_breaks_does_not_guess_who_won()
    {
        await using var test = await CompareContext.StartAsync();
        await test.ChooseAsync(TestIds.RaceMode);
        var call = await test.AskAsync("Who is first?");
        var runs = await BeginAsync(call);
        await EventAsync(call, runs[0], "delta", new { text = "Half" });
        test.Until(() => Assert.Contains("Half", test.FindAll(TestIds.AnswerText)[0].TextContent, StringComparison.Ordinal));
        call.Abort();
        foreach (var _ in test.States)
        {
            await (await test.Api.NextFollowAsync()).DoneAsync();
        }

        test.Until(() => Assert.Contains("before it was said who won", test.FindAll(TestIds.RaceResult).Single().TextContent, StringComparison.Ordinal));
        Assert.Empty(test.FindAll(TestIds.RacePlace));
    }

    [Theory]
    [InlineData(404, "There is no such conversation")]
    [InlineData(503, "The conversation cannot be read now")]
    public async Task a_conversation_that_cannot_be_read_is_not_asked(int status, string words)
    {
        await using var test = await CompareContext.StartAsync(ComparePage.AddressOf(Conversation, null), api => api.ConversationStatus = status);

        test.Until(() => Assert.Contains(words, test.FindAll(TestIds.ConversationAway).Single().TextContent, StringComparison.Ordinal));
        Assert.Empty(test.FindAll(TestIds.Send));
    }

    private static object Tool(string name) => new { name, label = name, description = "Does.", server = (string?)null, available = true, requiredPlan = "basic" };

    private static async Task<IReadOnlyList<ComparedRun>> BeginAsync(ChatCall call)
    {
        IReadOnlyList<ComparedRun> runs =
        [
            new(Guid.CreateVersion7().ToString(), Guid.CreateVersion7(), "chat-default"), new(Guid.CreateVersion7().ToString(), Guid.CreateVersion7(), "claude-default"),
        ];
        await WriteAsync(call, "runs", null, new { requestId = Guid.Empty, conversationId = Conversation, userMessageId = Guid.Empty, traceId = "", runs });
        return runs;
    }

    private static Task EventAsync(ChatCall call, ComparedRun run, string type, object data)
    {
        var tagged = JsonSerializer.SerializeToNode(data, JsonSerializerOptions.Web)!.AsObject();
        (tagged["runId"], tagged["model"]) = (run.RunId, run.Model);
        return WriteAsync(call, type, $"{run.RunId}:1:1", tagged);
    }

    private static async Task EndAsync(ChatCall call, ComparedRun run, string type, object data)
    {
        await EventAsync(call, run, "usage", new
        {
            callId = CompareContext.Call,
            servedModel = "m",
            promptTokens = 12,
            completionTokens = 56,
            source = "provider",
            outcome = "completed",
            ttftMs = 420,
            durationMs = 3140,
        });
        await EventAsync(call, run, type, data);
    }

    private static Task WriteAsync(ChatCall call, string type, string? id, object data) => call.BytesAsync(Encoding.UTF8.GetBytes(
        $"event: {type}\n{(id is null ? "" : $"id: {id}\n")}data: {JsonSerializer.Serialize(data, JsonSerializerOptions.Web)}\n\n"));

    private sealed class CompareContext : BunitContext
    {
        public static readonly Guid Call = Guid.CreateVersion7();

        private CompareContext(FakeApi api)
        {
            Api = api;
            JSInterop.Mode = JSRuntimeMode.Loose;
            Input = JSInterop.SetupModule("./Chat/MessageInput.razor.js").SetupModule("attach", _ => true);
            Services.AddMudServices();
            Services.AddLogging();
            Services.AddSingleton(TimeProvider.System);
            var connection = NoTokens.Connect(new HttpClient { BaseAddress = api.Address, Timeout = Timeout.InfiniteTimeSpan }, TimeProvider.System);
            Services.AddSingleton(new ApiClient(connection));
            Services.AddSingleton(new ConversationsClient(connection));
            Services.AddSingleton(new UsageClient(connection));
            Services.AddSingleton(new PromptsClient(connection));
            Services.AddSingleton<MarkdownRenderer>();
            Services.AddScoped<ChatSession>();
            Services.AddScoped<ModelDirectory>();
            Services.AddScoped<ToolDirectory>();
            Services.AddTransient<Comparison>();
        }

        public FakeApi Api { get; }

        public IRenderedComponent<ReportHost> Page { get; private set; } = null!;

        public NavigationManager Navigation => Services.GetRequiredService<NavigationManager>();

        public IReadOnlyList<string?> States => [.. FindAll(TestIds.Answer).Select(answer => answer.GetAttribute("data-state"))];

        public static async Task<CompareContext> StartAsync(string address = ComparePage.Path, Action<FakeApi>? arrange = null, params string[] chosenTools)
        {
            var api = await FakeApi.StartAsync();
            var asked = 0;
            // The ledger has the call when it is asked again.
            api.Other = context => Task.FromResult(
                context.Request.Path == $"/usage/calls/{Call}" && Interlocked.Increment(ref asked) > 2
                    ? Results.Json(new { id = Call, costUsd = 0.00012m, unpriced = false })
                    : Results.NotFound());
            arrange?.Invoke(api);
            var context = new CompareContext(api);
            context.JSInterop.Setup<string?>("localStorage.getItem", "tools").SetResult(string.Join(' ', chosenTools));
            context.Navigation.NavigateTo(address);
            context.Page = context.Render<ReportHost>(host => host.Add(page => page.Page, typeof(ComparePage)));
            context.Until(() => Assert.True(
                context.FindAll(TestIds.CompareModel).Count(box => box.HasAttribute("checked")) == 2 || context.FindAll(TestIds.ConversationAway).Count == 1));
            return context;
        }

        /// <inheritdoc cref="PageTestContext.Input"/>
        public BunitJSModuleInterop Input { get; }

        public IReadOnlyList<IElement> FindAll(string testId) => Page.FindAll($"[data-testid={testId}]");

        public async Task<ChatCall> AskAsync(string message)
        {
            await Page.InvokeAsync(() => FindAll(TestIds.MessageInput).Single().ChangeAsync(new ChangeEventArgs { Value = message }));
            await Page.InvokeAsync(() =>
            {
                _ = Page.Find("form").SubmitAsync(); // completes with the answers
            });
            return await Api.NextChatAsync();
        }

        public Task ChooseAsync(string testId) => EnterAsync(testId, "on");

        public Task EnterAsync(string testId, string value) => Page.InvokeAsync(() => FindAll(testId).Single().ChangeAsync(new ChangeEventArgs { Value = value }));

        public Task ClickAsync(IElement element) => Page.InvokeAsync(() => element.ClickAsync(new()));

        public void Until(Action assertion) => Page.WaitForAssertion(assertion, TimeSpan.FromSeconds(20));

        protected override async ValueTask DisposeAsyncCore()
        {
            await base.DisposeAsyncCore();
            await Api.DisposeAsync();
        }
    }
}
