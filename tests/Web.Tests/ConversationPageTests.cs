using System.Text.Json;
using Bunit;
using LlmAspire.Web.Chat;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Web.Tests;

/// <summary>Conversations that the Api keeps: what is sent about them, their branches, and answers that outlive their streams.</summary>
public class ConversationPageTests
{
    private static readonly Guid UserMessage = new("0199dddd-0000-7000-8000-000000000001");
    private static readonly Guid AnswerMessage = new("0199dddd-0000-7000-8000-000000000002");
    private static readonly Guid OtherAnswer = new("0199dddd-0000-7000-8000-000000000003");
    private const string StoredRun = "0199eeee-0000-7000-8000-000000000001";

    [Fact]
    public async Task the_next_message_follows_the_answer_before()
    {
        await using var test = await PageTestContext.StartAsync();
        var first = await test.AskAsync("One?");
        Assert.Equal(JsonValueKind.Null, first.Body.GetProperty("conversationId").ValueKind);
        await first.AnswerAsync("1.");
        test.UntilState("done");

        var second = await test.AskAsync("Two?");

        Assert.Equal(ChatCall.Conversation, second.Body.GetProperty("conversationId").GetGuid());
        Assert.Equal(first.MessageId, second.Body.GetProperty("parentMessageId").GetGuid());
        Assert.Equal($"/c/{ChatCall.Conversation}", new Uri(test.Services.GetRequiredService<NavigationManager>().Uri).AbsolutePath);
        await second.AnswerAsync("2.");
        test.UntilState("done", answer: 1);
    }

    [Fact]
    public async Task a_new_chat_leaves_the_answer_to_the_api_and_starts_from_nothing()
    {
        await using var test = await PageTestContext.StartAsync();
        var call = await test.AskAsync("One?");
        await call.RunAsync();
        await call.DeltaAsync("First");
        test.Until(() => Assert.Contains("First", test.Find(TestIds.AnswerText).TextContent));

        await test.ClickAsync(TestIds.NewChat);

        test.Until(() => Assert.Empty(test.FindAll(TestIds.Answer)));
        Assert.NotEmpty(test.FindAll(TestIds.Sample));
        var next = await test.AskAsync("Two?");
        Assert.Equal(JsonValueKind.Null, next.Body.GetProperty("conversationId").ValueKind);
        await next.AnswerAsync("2.");
        test.UntilState("done");
        Assert.Single(test.FindAll(TestIds.Answer));
        Assert.False(test.Api.WasStopped);
    }

    [Fact]
    public async Task a_stream_that_breaks_is_taken_up_after_its_last_event()
    {
        await using var test = await PageTestContext.StartAsync();
        var call = await test.AskAsync("Go");
        await call.RunAsync();
        await call.DeltaAsync("One, ");
        test.Until(() => Assert.Contains("One,", test.Find(TestIds.AnswerText).TextContent));
        call.Abort();

        var reader = await test.Api.NextFollowAsync();
        Assert.Equal(call.RunId, reader.RunId);
        Assert.Equal($"{call.RunId}:1:2", reader.LastEventId);
        await reader.DeltaAsync("two.");
        await reader.UsageAsync();
        await reader.DoneAsync();

        test.UntilState("done");
        Assert.Equal("One, two.", test.Find(TestIds.AnswerText).TextContent.Trim());
    }

    [Fact]
    public async Task while_nobody_answers_the_page_says_so_and_goes_on_asking()
    {
        await using var test = await PageTestContext.StartAsync(api => api.FollowStatus = StatusCodes.Status503ServiceUnavailable);
        var call = await test.AskAsync("Go");
        await call.RunAsync();
        await call.DeltaAsync("One");
        test.Until(() => Assert.Contains("One", test.Find(TestIds.AnswerText).TextContent));
        call.Abort();
        test.Until(() => Assert.Contains("taken up again", test.Find(TestIds.Answer).TextContent));

        test.Api.FollowStatus = null;
        var reader = await test.Api.NextFollowAsync();
        await reader.EventAsync("reset", new { text = "Uno" });
        await reader.DoneAsync();

        test.UntilState("done");
        Assert.Equal("Uno", test.Find(TestIds.AnswerText).TextContent.Trim());
    }

    [Fact]
    public async Task a_run_that_the_api_does_not_know_any_more_is_a_broken_answer()
    {
        await using var test = await PageTestContext.StartAsync(api => api.FollowStatus = StatusCodes.Status404NotFound);
        var call = await test.AskAsync("Go");
        await call.RunAsync();
        await call.DeltaAsync("One");
        call.End();

        test.UntilState("error");
        Assert.Contains("The answer broke off.", test.Find(TestIds.Error).TextContent);
    }

    [Fact]
    public async Task an_interrupted_answer_keeps_its_text_and_can_be_continued()
    {
        await using var test = await PageTestContext.StartAsync();
        var call = await test.AskAsync("Go");
        await call.RunAsync();
        await call.DeltaAsync("One, ");
        await call.EventAsync("error", new { status = 503, code = "run_interrupted", title = "The answer was interrupted." });
        call.End();
        test.UntilState("interrupted");
        Assert.Contains("What was said is kept.", test.Find(TestIds.Answer).TextContent);

        _ = test.ClickAsync(TestIds.Continue);
        var more = await test.Api.NextChatAsync();
        Assert.Equal(call.RunId, more.RunId);
        await more.RunAsync();
        await more.DeltaAsync("two.");
        await more.DoneAsync();

        test.UntilState("done");
        Assert.Equal("One, two.", test.Find(TestIds.AnswerText).TextContent.Trim());
    }

    [Fact]
    public async Task a_stored_conversation_is_shown_with_the_branch_that_was_chosen()
    {
        await using var test = await PageTestContext.StartAsync(
            api => api.Conversation = Stored(current: AnswerMessage, Answer(AnswerMessage, "First.", "complete"), Answer(OtherAnswer, "Second.", "complete")),
            conversation: ChatCall.Conversation);

        test.Until(() => Assert.Equal("First.", test.Find(TestIds.AnswerText).TextContent.Trim()));
        Assert.Equal("What?", test.Find(TestIds.Question).TextContent);
        Assert.Contains("1 / 2", test.Find(TestIds.Branches).TextContent);

        await test.OnAsync($"[data-testid={TestIds.Branches}] [title=Next]", next => next.ClickAsync(new()));

        test.Until(() => Assert.Equal("Second.", test.Find(TestIds.AnswerText).TextContent.Trim()));
        Assert.Equal(OtherAnswer, (await test.Api.NextChangeAsync()).GetProperty("currentMessageId").GetGuid());
    }

    [Fact]
    public async Task a_message_waits_until_the_branch_before_it_is_stored()
    {
        var taken = new TaskCompletionSource();
        await using var test = await PageTestContext.StartAsync(
            api =>
            {
                api.Conversation = Stored(current: AnswerMessage, Answer(AnswerMessage, "First.", "complete"), Answer(OtherAnswer, "Second.", "complete"));
                api.ChangesTaken = taken.Task;
            },
            conversation: ChatCall.Conversation);
        test.Until(() => Assert.Contains("1 / 2", test.Find(TestIds.Branches).TextContent));

        await test.OnAsync($"[data-testid={TestIds.Branches}] [title=Next]", next =>
        {
            _ = next.ClickAsync(new());
            return Task.CompletedTask;
        });
        await test.Api.NextChangeAsync();
        _ = test.ClickAsync(TestIds.Regenerate);
        test.UntilState("streaming");
        Assert.False(test.Api.WasAsked);

        taken.SetResult();
        await (await test.Api.NextChatAsync()).AnswerAsync("Third.");
        test.UntilState("done");
        Assert.Contains("3 / 3", test.Find(TestIds.Branches).TextContent);
    }

    [Fact]
    public async Task an_answer_under_way_is_joined_from_its_beginning()
    {
        await using var test = await PageTestContext.StartAsync(
            api => api.Conversation = Stored(current: AnswerMessage, Answer(AnswerMessage, "One, ", "running")), conversation: ChatCall.Conversation);

        var reader = await test.Api.NextFollowAsync();
        Assert.Equal(StoredRun, reader.RunId);
        Assert.Empty(reader.LastEventId ?? "");
        await reader.RunAsync();
        await reader.DeltaAsync("One, two");
        test.Until(() => Assert.Equal("One, two", test.Find(TestIds.AnswerText).TextContent.Trim()));
        Assert.Single(test.FindAll(TestIds.Stop));
        await reader.DeltaAsync(", three.");
        await reader.DoneAsync();

        test.UntilState("done");
        Assert.Equal("One, two, three.", test.Find(TestIds.AnswerText).TextContent.Trim());
    }

    [Fact]
    public async Task another_answer_is_a_branch_of_the_same_message()
    {
        await using var test = await PageTestContext.StartAsync();
        var first = await test.AskAsync("Go");
        await first.AnswerAsync("First.");
        test.UntilState("done");

        _ = test.ClickAsync(TestIds.Regenerate);
        var second = await test.Api.NextChatAsync();
        Assert.Equal(JsonValueKind.Null, second.Body.GetProperty("message").ValueKind);
        Assert.Equal(first.UserMessageId, second.Body.GetProperty("parentMessageId").GetGuid());
        await second.AnswerAsync("Second.");

        test.Until(() => Assert.Equal("Second.", test.Find(TestIds.AnswerText).TextContent.Trim()));
        test.Until(() => Assert.Contains("2 / 2", test.Find(TestIds.Branches).TextContent));
    }

    [Fact]
    public async Task another_version_of_the_first_message_begins_at_the_beginning()
    {
        await using var test = await PageTestContext.StartAsync();
        var first = await test.AskAsync("Go");
        await first.AnswerAsync("First.");
        test.UntilState("done");

        await test.ClickAsync(TestIds.Edit);
        await test.OnAsync($"[data-testid={TestIds.EditInput}]", input => input.ChangeAsync(new() { Value = "Go on" }));
        await test.OnAsync("form.edit", form =>
        {
            _ = form.SubmitAsync();
            return Task.CompletedTask;
        });
        var second = await test.Api.NextChatAsync();

        Assert.Equal("Go on", second.Body.GetProperty("message").GetString());
        Assert.Equal(ChatCall.Conversation, second.Body.GetProperty("parentMessageId").GetGuid());
        await second.AnswerAsync("Second.");
        test.UntilState("done");
        Assert.Equal("Go on", test.Find(TestIds.Question).TextContent);
        Assert.Contains("2 / 2", test.Find(TestIds.Branches).TextContent);
    }

    [Fact]
    public async Task a_page_that_is_left_while_its_conversation_is_read_asks_nothing_of_the_browser_any_more()
    {
        var read = new TaskCompletionSource();
        BunitJSModuleInterop attached = null!;
        await using var test = await PageTestContext.StartAsync(
            api => (api.Conversation, api.ReadsTaken) = (Stored(current: AnswerMessage, Answer(AnswerMessage, "First.", "complete")), read.Task),
            conversation: ChatCall.Conversation,
            arrangeScripts: scripts => attached = scripts.SetupModule("./Chat/ChatPage.razor.js").SetupModule("attach", _ => true));
        // Not within the session, which has not told the page yet.
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        test.Session.Changed += () => _ = test.Session.State == ConversationState.Ready && ready.TrySetResult();

        await test.DisposeComponentsAsync();
        read.SetResult();
        await ready.Task.WaitAsync(Xunit.TestContext.Current.CancellationToken);
        await test.Renderer.Dispatcher.InvokeAsync(() => { });

        Assert.Equal(["dispose"], attached.Invocations.Select(one => one.Identifier));
        Assert.False(test.Renderer.UnhandledException.IsCompleted);
    }

    [Fact]
    public async Task a_conversation_that_there_is_not_says_so()
    {
        await using var test = await PageTestContext.StartAsync(conversation: ChatCall.Conversation);

        test.Until(() => Assert.Contains("There is no such conversation", test.Find(TestIds.ConversationAway).TextContent));
    }

    [Fact]
    public async Task a_conversation_that_cannot_be_read_now_is_asked_for_again_until_it_can()
    {
        var time = new FakeTimeProvider();
        FakeApi api = null!;
        await using var test = await PageTestContext.StartAsync(
            fake => (api, fake.ConversationStatus) = (fake, StatusCodes.Status503ServiceUnavailable), time, conversation: ChatCall.Conversation);
        test.Until(() => Assert.Contains("cannot be shown now", test.Find(TestIds.ConversationAway).TextContent));

        api.Conversation = Stored(current: AnswerMessage, Answer(AnswerMessage, "First.", "complete"));

        // Whether its pause has begun cannot be seen: time goes on until it looks again.
        while (test.FindAll(TestIds.AnswerText).Count == 0)
        {
            time.Advance(ChatSession.ReconnectPauses[^1]);
            await Task.Delay(5, Xunit.TestContext.Current.CancellationToken);
        }

        Assert.Contains("First.", test.Find(TestIds.AnswerText).TextContent);
    }

    [Fact]
    public async Task a_page_that_is_left_while_its_conversation_cannot_be_read_does_not_ask_again()
    {
        var read = new TaskCompletionSource();
        await using var test = await PageTestContext.StartAsync(
            api => (api.ConversationStatus, api.ReadsTaken) = (StatusCodes.Status503ServiceUnavailable, read.Task), conversation: ChatCall.Conversation);
        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        test.Session.Changed += () => _ = test.Session.State == ConversationState.Unavailable && failed.TrySetResult();

        await test.DisposeComponentsAsync();
        read.SetResult();
        await failed.Task.WaitAsync(Xunit.TestContext.Current.CancellationToken);
        await test.Renderer.Dispatcher.InvokeAsync(() => { });

        Assert.False(test.Renderer.UnhandledException.IsCompleted);
    }

    [Fact]
    public async Task the_list_shows_what_the_api_has()
    {
        await using var test = await PageTestContext.StartAsync(api => api.Conversations =
        [
            new { id = ChatCall.Conversation, title = "Binary search", pinned = true, archived = false, updatedAt = DateTimeOffset.UnixEpoch, snippet = (string?)null },
        ]);

        test.Until(() => Assert.Contains("Binary search", test.Find(TestIds.Conversation).TextContent));
        Assert.Equal($"/c/{ChatCall.Conversation}", test.Find(TestIds.Conversation).QuerySelector("a")?.GetAttribute("href"));
    }

    private static object Stored(Guid current, params object[] answers) => new
    {
        id = ChatCall.Conversation,
        title = "What?",
        currentMessageId = current,
        messages = (object[])
        [
            new { id = UserMessage, parentId = (Guid?)null, role = "user", content = "What?", status = "complete", usage = Array.Empty<object>() },
            .. answers,
        ],
    };

    private static object Answer(Guid id, string content, string status) => new
    {
        id,
        parentId = UserMessage,
        role = "assistant",
        content,
        model = "chat-default",
        status,
        runId = StoredRun,
        usage = Array.Empty<object>(),
    };
}
