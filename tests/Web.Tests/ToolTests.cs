using System.Text.Json;
using System.Text.Json.Serialization;
using AngleSharp.Dom;
using Bunit;
using Microsoft.AspNetCore.Http;

namespace LlmAspire.Web.Tests;

public class ToolTests
{
    private static readonly object[] Tools =
    [
        new { name = "current_time", label = "Current time", description = "Tells the time.", server = (string?)null, available = true, requiredPlan = "basic" },
        new { name = "files_read", label = "Read a file", description = "Reads.", server = "files", available = true, requiredPlan = "basic" },
        new { name = "treasure", label = "Treasure", description = "For the rich.", server = (string?)null, available = false, requiredPlan = "enterprise" },
    ];

    [Fact]
    public async Task a_chosen_tool_is_sent_with_the_message_and_remembered()
    {
        await using var test = await PageTestContext.StartAsync(api => api.Tools = Tools);
        await OpenAsync(test);

        Assert.Contains("needs the enterprise plan", Entry(test, "treasure").TextContent, StringComparison.Ordinal);
        Assert.Contains("files", Entry(test, "files_read").TextContent, StringComparison.Ordinal);
        await test.OnAsync("[data-tool=current_time]", entry => entry.ClickAsync(new()));
        test.Until(() => Assert.Equal("true", Entry(test, "current_time").GetAttribute("aria-checked")));
        var stored = Assert.Single(test.JSInterop.Invocations, call => call.Identifier == "localStorage.setItem");
        Assert.Equal(["tools", "current_time"], stored.Arguments);

        var call = await test.AskAsync("What time is it?");
        Assert.Equal(["current_time"], call.Body.GetProperty("tools").EnumerateArray().Select(tool => tool.GetString()));
        await call.AnswerAsync("Late.");
    }

    [Fact]
    public async Task what_was_chosen_before_is_chosen_unless_it_is_gone()
    {
        await using var test = await PageTestContext.StartAsync(api => api.Tools = Tools, arrangeScripts: scripts =>
            scripts.Setup<string?>("localStorage.getItem", "tools").SetResult("current_time treasure gone"));
        test.Until(() => Assert.Equal("current_time", test.Find(TestIds.ToolPicker).GetAttribute("data-chosen")));
    }

    [Fact]
    public async Task a_model_that_cannot_use_tools_gets_none()
    {
        await using var test = await PageTestContext.StartAsync(
            api =>
            {
                api.Tools = Tools;
                api.Models = context => context.Response.WriteAsJsonAsync(
                    new object[] { new { id = "chat-default", label = "Plain", available = true, supportsTools = false } });
            },
            arrangeScripts: scripts => scripts.Setup<string?>("localStorage.getItem", "tools").SetResult("current_time"));
        test.Until(() => Assert.Equal("", test.Find(TestIds.ToolPicker).GetAttribute("data-chosen")));

        var call = await test.AskAsync("Hi");
        Assert.False(call.Body.TryGetProperty("tools", out var tools) && tools.ValueKind != JsonValueKind.Null);
        await call.AnswerAsync("Hi.");
    }

    [Fact]
    public async Task calls_of_tools_show_where_they_were_made_as_far_as_they_are()
    {
        await using var test = await PageTestContext.StartAsync(api => api.Tools = Tools);
        var call = await test.AskAsync("What time is it?");
        await call.RunAsync();
        await call.DeltaAsync("Let me see.");
        await call.EventAsync("tool", Tool("called", null, null));
        test.Until(() => Assert.Equal("called", test.Find(TestIds.ToolCall).GetAttribute("data-state")));
        Assert.Contains("Current time", test.Find(TestIds.ToolCall).QuerySelector("summary")!.TextContent, StringComparison.Ordinal);
        Assert.Contains("running…", test.Find(TestIds.ToolCall).QuerySelector("summary")!.TextContent, StringComparison.Ordinal);

        await call.EventAsync("tool", Tool("ok", """{"local":"12:00"}""", 42));
        test.Until(() => Assert.Equal("ok", Assert.Single(test.FindAll(TestIds.ToolCall)).GetAttribute("data-state")));
        await call.DeltaAsync("\n\nIt is **noon**.");
        await call.UsageAsync();
        await call.DoneAsync();

        test.UntilState("done");
        var card = test.Find(TestIds.ToolCall);
        Assert.Contains("0.04 s", card.TextContent, StringComparison.Ordinal);
        Assert.Contains("\"zone\": \"UTC\"", card.QuerySelector("[data-part=arguments]")!.TextContent, StringComparison.Ordinal);
        Assert.Contains("\"local\": \"12:00\"", card.QuerySelector("[data-part=result]")!.TextContent, StringComparison.Ordinal);
        var said = test.Find(TestIds.AnswerText).Children.Select(child => child.TextContent.Trim()).ToList();
        Assert.Equal(("Let me see.", "It is noon."), (said[0], said[2]));
    }

    [Theory]
    [InlineData("failed", "failed")]
    [InlineData("timeout", "took too long")]
    [InlineData("stopped", "stopped")]
    public async Task a_stored_answer_shows_its_tools(string state, string word)
    {
        await using var test = await PageTestContext.StartAsync(
            api => api.Conversation = new
            {
                id = ChatCall.Conversation,
                title = "Time",
                currentMessageId = Guid.Parse("0199dddd-0000-7000-8000-000000000002"),
                messages = new object[]
                {
                    new { id = Guid.Parse("0199dddd-0000-7000-8000-000000000001"), role = "user", content = "Time?", status = "complete", usage = Array.Empty<object>() },
                    new
                    {
                        id = Guid.Parse("0199dddd-0000-7000-8000-000000000002"),
                        parentId = Guid.Parse("0199dddd-0000-7000-8000-000000000001"),
                        role = "assistant",
                        content = "No idea.",
                        status = "complete",
                        usage = Array.Empty<object>(),
                        tools = new[] { Tool(state, null, null) with { At = 0 } },
                    },
                },
            },
            conversation: ChatCall.Conversation);

        test.Until(() => Assert.Contains(word, test.Find(TestIds.ToolCall).TextContent, StringComparison.Ordinal));
        Assert.Contains("No idea.", test.Find(TestIds.AnswerText).TextContent, StringComparison.Ordinal);
    }

    private static ToolEvent Tool(string state, string? result, int? durationMs) =>
        new("call_1", "current_time", 1, "Let me see.".Length, state, """{"zone":"UTC"}""", result, durationMs);

    private static async Task OpenAsync(PageTestContext test)
    {
        test.Until(() => test.Find(TestIds.ToolPicker));
        await test.OnAsync($"[data-testid={TestIds.ToolPicker}] .picker-button", button => button.ClickAsync(new()));
        test.Until(() => Assert.Equal(3, test.Page.FindAll("[data-tool]").Count));
    }

    private static IElement Entry(PageTestContext test, string tool) => test.Page.Find($"[data-tool={tool}]");

    private sealed record ToolEvent(
        [property: JsonPropertyName("callId")] string CallId,
        [property: JsonPropertyName("name")] string Name,
        [property: JsonPropertyName("round")] int Round,
        [property: JsonPropertyName("at")] int At,
        [property: JsonPropertyName("state")] string State,
        [property: JsonPropertyName("arguments")] string? Arguments,
        [property: JsonPropertyName("result")] string? Result,
        [property: JsonPropertyName("durationMs")] int? DurationMs);
}
