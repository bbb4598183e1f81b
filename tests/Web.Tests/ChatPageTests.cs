using Bunit;
using LlmAspire.Web.Chat;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using Microsoft.AspNetCore.Http;

namespace LlmAspire.Web.Tests;

public class ChatPageTests
{
    [Fact]
    public async Task an_answer_streams_in_as_markdown_and_ends_with_its_usage()
    {
        await using var test = await PageTestContext.StartAsync();

        var call = await test.AskAsync("Hello?");
        await call.RunAsync();
        await call.DeltaAsync("Some **bold");
        test.Until(() => Assert.Contains("Some **bold", test.Find(TestIds.AnswerText).TextContent));
        Assert.Equal("streaming", test.Find(TestIds.Answer).GetAttribute("data-state"));
        Assert.Equal("true", test.Find(TestIds.AnswerText).GetAttribute("aria-busy"));
        Assert.Empty(test.FindAll(TestIds.Send));

        await call.DeltaAsync("** text\n\n| a | b |\n|---|---|\n| 1 | 2 |\n");
        test.Until(() => Assert.Equal("bold", test.Find(TestIds.AnswerText).QuerySelector("strong")?.TextContent));
        await call.UsageAsync();
        await call.DoneAsync();

        test.UntilState("done");
        Assert.Equal(["1", "2"], test.Find(TestIds.AnswerText).QuerySelectorAll("td").Select(cell => cell.TextContent));
        var usage = test.Find(TestIds.Usage);
        Assert.Equal("1234", usage.GetAttribute("data-prompt-tokens"));
        Assert.Equal("56", usage.GetAttribute("data-completion-tokens"));
        Assert.Equal("chat-default", usage.GetAttribute("data-model"));
        Assert.Equal("0199aaaa-0000-7000-8000-000000000001", usage.GetAttribute("data-call-id"));
        Assert.Equal(call.TraceId, usage.GetAttribute("data-trace-id"));
        Assert.Equal(
            ["prompt: 1,234", "answer: 56", "served by: gpt-4.1-mini-2025-04-14", "first token: 0.42 s", "total: 3.1 s"],
            usage.QuerySelectorAll("dt").Zip(usage.QuerySelectorAll("dd"), (term, value) => $"{term.TextContent}: {value.TextContent}").SkipLast(1));
        Assert.Empty(test.FindAll(TestIds.Stop));
        Assert.Single(test.FindAll(TestIds.Send));
    }

    [Fact]
    public async Task stop_deletes_the_run_and_the_answer_shows_as_stopped_with_its_usage()
    {
        await using var test = await PageTestContext.StartAsync();
        var call = await test.AskAsync("Write a book.");
        await call.RunAsync();
        await call.DeltaAsync("Chapter 1");
        test.Until(() => Assert.Contains("Chapter 1", test.Find(TestIds.AnswerText).TextContent));

        await test.ClickAsync(TestIds.Stop);

        Assert.Equal(call.RunId, await test.Api.NextStopAsync());
        test.Until(() => Assert.Contains("Stopping…", test.Find(TestIds.Answer).TextContent));
        await call.UsageAsync("estimated", "stopped");
        await call.DoneAsync("stopped");
        test.UntilState("stopped");
        Assert.Contains("Chapter 1", test.Find(TestIds.AnswerText).TextContent);
        Assert.Equal("estimated", test.Find(TestIds.Usage).GetAttribute("data-source"));
    }

    [Fact]
    public async Task stop_pressed_before_the_run_is_known_is_sent_as_soon_as_it_is()
    {
        await using var test = await PageTestContext.StartAsync();
        var call = await test.AskAsync("Wait");
        await test.ClickAsync(TestIds.Stop);

        await call.RunAsync();

        Assert.Equal(call.RunId, await test.Api.NextStopAsync());
        await call.DoneAsync("stopped");
        test.UntilState("stopped");
    }

    [Fact]
    public async Task a_refused_message_shows_our_words_with_the_trace_id_and_try_again_sends_it_again()
    {
        await using var test = await PageTestContext.StartAsync(api =>
            api.RefuseChat = context => FakeApi.ProblemAsync(context, StatusCodes.Status503ServiceUnavailable, "gateway_starting", "pod 17 says no"));

        var refused = await test.AskAsync("Please");

        test.UntilState("error");
        var error = test.Find(TestIds.Error);
        Assert.Contains("The model gateway is still starting.", error.TextContent);
        Assert.DoesNotContain("pod 17", error.TextContent);
        Assert.Equal(refused.TraceId, error.QuerySelector($"[data-testid={TestIds.Trace}]")?.GetAttribute("data-trace-id"));

        test.Api.RefuseChat = null;
        _ = test.ClickAsync(TestIds.Retry);
        var again = await test.Api.NextChatAsync();
        Assert.Equal("Please", again.Body.GetProperty("message").GetString());
        await again.AnswerAsync("Here you are.");
        test.UntilState("done");
        Assert.Single(test.FindAll(TestIds.Answer));
        Assert.Empty(test.FindAll(TestIds.Error));
    }

    [Theory]
    [InlineData(400, "Unknown model: choose one of the list.", "The message was not accepted.", true)]
    [InlineData(403, "It needs the plan pro.", "You may not use this model.", true)]
    [InlineData(413, "Body of 1 MB.", "The message is too long.", false)]
    [InlineData(415, "Send JSON.", "The message was not accepted.", true)]
    [InlineData(429, "100,000 tokens are used up.", "That was more than your plan allows for now.", true)]
    [InlineData(500, "NullReferenceException", "The answer failed.", false)]
    [InlineData(503, "litellm: no deployments", "The model is not available right now.", false)]
    public async Task what_the_api_says_is_shown_only_where_the_user_can_act_on_it(int status, string detail, string title, bool shown)
    {
        await using var test = await PageTestContext.StartAsync(api =>
            api.RefuseChat = context => FakeApi.ProblemAsync(context, status, detail: detail));

        await test.AskAsync("Please");

        test.UntilState("error");
        var text = test.Find(TestIds.Error).TextContent;
        Assert.Contains(title, text);
        Assert.Equal(shown, text.Contains(detail, StringComparison.Ordinal));
    }

    [Fact]
    public async Task an_error_inside_the_stream_keeps_the_text_that_came()
    {
        await using var test = await PageTestContext.StartAsync();
        var call = await test.AskAsync("Go");
        await call.RunAsync();
        await call.DeltaAsync("Half an ans");
        await call.EventAsync("error", new { title = "x", status = 502, code = "provider_failed", traceId = call.TraceId });
        call.End();

        test.UntilState("error");
        Assert.Contains("Half an ans", test.Find(TestIds.AnswerText).TextContent);
        Assert.Contains("The model is not available right now.", test.Find(TestIds.Error).TextContent);
        Assert.Equal(call.TraceId, test.Find(TestIds.Trace).GetAttribute("data-trace-id"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_stream_that_breaks_for_good_is_an_error_and_the_next_message_works(bool reset)
    {
        await using var test = await PageTestContext.StartAsync(api => api.FollowStatus = StatusCodes.Status404NotFound);
        var call = await test.AskAsync("Go");
        await call.RunAsync();
        await call.DeltaAsync("Half");
        test.Until(() => Assert.Contains("Half", test.Find(TestIds.AnswerText).TextContent));

        if (reset)
        {
            call.Abort();
        }
        else
        {
            call.End();
        }

        test.UntilState("error");
        Assert.Contains("The answer broke off.", test.Find(TestIds.Error).TextContent);
        var next = await test.AskAsync("Again");
        await next.AnswerAsync("Whole.");
        test.UntilState("done", answer: 1);
    }

    [Theory]
    [InlineData("provider", null)]
    [InlineData("partial", "partial")]
    [InlineData("estimated", "estimated")]
    [InlineData("none", "none")]
    public async Task numbers_that_are_not_the_providers_are_marked(string source, string? mark)
    {
        await using var test = await PageTestContext.StartAsync();
        var call = await test.AskAsync("Go");
        await call.RunAsync();
        await call.UsageAsync(source, prompt: source == "none" ? null : 5, completion: source == "none" ? null : 0);
        await call.DoneAsync();

        test.UntilState("done");
        var usage = test.Find(TestIds.Usage);
        Assert.Equal(mark, usage.QuerySelector(".mark")?.TextContent);
        Assert.Equal(source == "none" ? "" : "0", usage.GetAttribute("data-completion-tokens"));
    }

    [Theory]
    [InlineData("length", "Cut off")]
    [InlineData("content_filter", "Withheld")]
    public async Task an_answer_that_was_cut_off_says_so(string finishReason, string note)
    {
        await using var test = await PageTestContext.StartAsync();
        var call = await test.AskAsync("Go");
        await call.RunAsync();
        await call.DeltaAsync("Text");
        await call.DoneAsync(finishReason);

        test.UntilState("done");
        Assert.Contains(note, test.Find(TestIds.Answer).TextContent);
    }

    [Fact]
    public async Task the_chosen_model_is_sent()
    {
        await using var test = await PageTestContext.StartAsync();
        test.Until(() => Assert.Equal("GPT-4.1 mini", test.Find(TestIds.ModelPicker).GetAttribute("value")));

        await test.OnAsync(".model-picker .mud-input-control", picker => picker.MouseDownAsync(new()));
        test.Until(() => Assert.Equal(2, test.Page.FindAll("[role=option]").Count));
        Assert.Equal("anthropic · pro plan", test.Page.Find("[data-model-id=claude-default] .model-facts").TextContent);
        await test.OnAsync("[data-model-id=claude-default]", option => option.ClickAsync(new()));

        var call = await test.AskAsync("Hi");
        Assert.Equal("claude-default", call.Body.GetProperty("model").GetString());
        await call.AnswerAsync("Hi.");
        test.UntilState("done");
    }

    [Fact]
    public async Task a_sample_question_is_sent_as_it_stands()
    {
        await using var test = await PageTestContext.StartAsync();
        var text = test.Find(TestIds.Sample).TextContent;

        _ = test.ClickAsync(TestIds.Sample);

        var call = await test.Api.NextChatAsync();
        Assert.Equal(text, call.Body.GetProperty("message").GetString());
        await call.AnswerAsync("Well.");
        test.UntilState("done");
    }

    [Fact]
    public async Task an_empty_message_and_a_second_one_meanwhile_are_not_sent()
    {
        await using var test = await PageTestContext.StartAsync();
        await test.SendAsync("  \n ");
        Assert.Empty(test.Session.Exchanges);

        var call = await test.AskAsync("One");
        await test.SendAsync("Two");
        Assert.Single(test.Session.Exchanges);
        test.Input.VerifyInvoke("clear"); // once: the second waits in the box
        await call.AnswerAsync("1");
        test.UntilState("done");
    }

    [Fact]
    public async Task a_message_that_is_too_long_is_neither_cut_nor_sent()
    {
        await using var test = await PageTestContext.StartAsync();
        Assert.False(test.Find(TestIds.MessageInput).HasAttribute("maxlength")); // with it the browser cuts what is pasted, and says nothing

        await test.SendAsync(new string('x', MessageInput.MaxLength + 1));

        Assert.Empty(test.Session.Exchanges);
        test.Input.VerifyNotInvoke("clear");
        var call = await test.AskAsync(new string('x', MessageInput.MaxLength));
        await call.AnswerAsync("Long.");
        test.UntilState("done");
    }

    [Fact]
    public async Task a_message_waits_in_the_box_while_its_conversation_cannot_be_shown()
    {
        await using var test = await PageTestContext.StartAsync(api => api.ConversationStatus = StatusCodes.Status503ServiceUnavailable, conversation: ChatCall.Conversation);
        test.Until(() => Assert.Single(test.FindAll(TestIds.ConversationAway)));

        await test.SendAsync("Hello?");

        test.Input.VerifyNotInvoke("clear");
    }

    [Fact]
    public async Task what_was_sent_is_kept_until_the_api_has_it()
    {
        await using var test = await PageTestContext.StartAsync(api => api.RefuseChat = context => FakeApi.ProblemAsync(context, StatusCodes.Status503ServiceUnavailable));
        await test.AskAsync("Please");
        test.UntilState("error");
        test.Input.VerifyInvoke("clear");
        test.Input.VerifyNotInvoke("forgetSent");

        test.Api.RefuseChat = null;
        _ = test.ClickAsync(TestIds.Retry);
        var call = await test.Api.NextChatAsync();
        await call.RunAsync();

        test.Until(() => test.Input.VerifyInvoke("forgetSent"));
        await call.DoneAsync();
        test.UntilState("done");
        test.Until(() => test.Input.VerifyInvoke("move")); // the conversation has an address, and the next draft is of it
    }

    [Fact]
    public async Task a_trace_links_to_the_dashboard_when_there_is_one()
    {
        await using var test = await PageTestContext.StartAsync(dashboard: new Uri("http://localhost:18888/"));
        var call = await test.AskAsync("Go");
        await call.AnswerAsync("Gone.");

        test.UntilState("done");
        var link = test.Find(TestIds.Usage).QuerySelector("a");
        Assert.Equal($"http://localhost:18888/traces/detail/{call.TraceId}", link?.GetAttribute("href"));
    }

    [Fact]
    public async Task hostile_markdown_puts_nothing_that_runs_into_the_page()
    {
        await using var test = await PageTestContext.StartAsync();
        var call = await test.AskAsync("Go");
        await call.AnswerAsync("<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) ![y](https://evil.example/y.png)");

        test.UntilState("done");
        var text = test.Find(TestIds.AnswerText);
        Assert.Empty(text.QuerySelectorAll("script, img, iframe, [onerror], a[href^=javascript]"));
        Assert.Contains("<script>alert(1)</script>", text.TextContent); // shown, not run
    }

    /// <summary>128 quotations in each other were more than the parser takes, and the conversation could not be opened any more.</summary>
    [Theory]
    [InlineData("a")]
    [InlineData("> ")]
    public async Task an_answer_that_cannot_be_rendered_is_shown_as_plain_text(string unit)
    {
        await using var test = await PageTestContext.StartAsync();
        var call = await test.AskAsync("Go");
        var text = string.Concat(Enumerable.Repeat(unit, 30_000)) + "x";
        await call.AnswerAsync(text);

        test.UntilState("done");
        Assert.Equal(text, test.Find(TestIds.AnswerText).TextContent.Trim());
        var next = await test.AskAsync("Again");
        await next.AnswerAsync("Well.");
        test.UntilState("done", answer: 1);
    }

    [Fact]
    public async Task an_answer_whose_view_fails_is_shown_as_plain_text_and_the_rest_of_the_page_goes_on()
    {
        await using var test = await PageTestContext.StartAsync(
            arrangeComponents: components => components.Add<MarkdownBlockView, FailingView>());
        var call = await test.AskAsync("Go");
        await call.AnswerAsync("Some **text**");

        test.UntilState("done");
        Assert.Equal("Some **text**", test.Find(TestIds.AnswerText).TextContent.Trim());
        Assert.Contains("cannot be shown as it was meant", test.Find(TestIds.Answer).TextContent);
        var next = await test.AskAsync("Again");
        await next.AnswerAsync("More");
        test.UntilState("done", answer: 1);
        Assert.Equal("More", test.FindAll(TestIds.AnswerText)[1].TextContent.Trim());
    }

    /// <summary>Has a mistake of ours.</summary>
    private sealed class FailingView : ComponentBase
    {
        [Parameter]
        public MarkdownBlock? Block { get; set; }

        protected override void BuildRenderTree(RenderTreeBuilder builder) => throw new InvalidOperationException($"{Block?.Kind} fails.");
    }
}
