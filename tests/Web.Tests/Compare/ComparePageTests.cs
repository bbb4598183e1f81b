using System.Text;
using System.Text.Json;
using AngleSharp.Dom;
using Bunit;
using LlmAspire.Web.Api;
using LlmAspire.Web.Chat;
using LlmAspire.Web.Compare;
using LlmAspire.Web.Conversations;
using LlmAspire.Web.Models;
using LlmAspire.Web.Reports;
using LlmAspire.Web.Tests.Reports;
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
        test.Until(() => Assert.Equal("Which is better?", test.FindAll(TestIds.MessageInput).Single().GetAttribute("value")));
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
            Services.AddMudServices();
            Services.AddLogging();
            Services.AddSingleton(TimeProvider.System);
            var connection = NoTokens.Connect(new HttpClient { BaseAddress = api.Address, Timeout = Timeout.InfiniteTimeSpan }, TimeProvider.System);
            Services.AddSingleton(new ApiClient(connection));
            Services.AddSingleton(new ConversationsClient(connection));
            Services.AddSingleton(new UsageClient(connection));
            Services.AddSingleton<MarkdownRenderer>();
            Services.AddScoped<ModelDirectory>();
            Services.AddTransient<Comparison>();
        }

        public FakeApi Api { get; }

        public IRenderedComponent<ReportHost> Page { get; private set; } = null!;

        public NavigationManager Navigation => Services.GetRequiredService<NavigationManager>();

        public IReadOnlyList<string?> States => [.. FindAll(TestIds.Answer).Select(answer => answer.GetAttribute("data-state"))];

        public static async Task<CompareContext> StartAsync()
        {
            var api = await FakeApi.StartAsync();
            var asked = 0;
            // The ledger has the call when it is asked again.
            api.Other = context => Task.FromResult(
                context.Request.Path == $"/usage/calls/{Call}" && Interlocked.Increment(ref asked) > 2
                    ? Results.Json(new { id = Call, costUsd = 0.00012m, unpriced = false })
                    : Results.NotFound());
            var context = new CompareContext(api);
            context.Page = context.Render<ReportHost>(host => host.Add(page => page.Page, typeof(ComparePage)));
            context.Until(() => Assert.Equal(2, context.FindAll(TestIds.CompareModel).Count(box => box.HasAttribute("checked"))));
            return context;
        }

        public IReadOnlyList<IElement> FindAll(string testId) => Page.FindAll($"[data-testid={testId}]");

        public async Task<ChatCall> AskAsync(string message)
        {
            await Page.InvokeAsync(() => FindAll(TestIds.MessageInput).Single().InputAsync(new ChangeEventArgs { Value = message }));
            await Page.InvokeAsync(() =>
            {
                _ = Page.Find("form").SubmitAsync(); // completes with the answers
            });
            return await Api.NextChatAsync();
        }

        public Task ClickAsync(IElement element) => Page.InvokeAsync(() => element.ClickAsync(new()));

        public void Until(Action assertion) => Page.WaitForAssertion(assertion, TimeSpan.FromSeconds(20));

        protected override async ValueTask DisposeAsyncCore()
        {
            await base.DisposeAsyncCore();
            await Api.DisposeAsync();
        }
    }
}
