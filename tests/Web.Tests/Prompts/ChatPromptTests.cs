using System.Text.Json;
using Bunit;
using Microsoft.AspNetCore.Http;

namespace LlmAspire.Web.Tests.Prompts;

public class ChatPromptTests
{
    private static readonly Guid Id = new("0199bbbb-0000-7000-8000-000000000001");

    private static readonly object Saved = new
    {
        id = Id,
        name = "Baker",
        text = "You bake.",
        visibility = "private",
        version = 3,
        owner = new { id = Id, email = "ada@example.org" },
        mine = true,
        editable = true,
        updatedAt = DateTimeOffset.UtcNow,
    };

    [Fact]
    public async Task a_new_chat_with_a_prompt_shows_it_and_sends_it_with_the_first_message_only()
    {
        await using var test = await PageTestContext.StartAsync(api => api.Other = Answer);
        await test.Page.InvokeAsync(() => test.Session.ChoosePromptAsync(Id));
        test.Until(() => Assert.Contains("System prompt: Baker, version 3", test.Find(TestIds.PromptInUse).TextContent, StringComparison.Ordinal));

        var first = await test.AskAsync("Hello?");
        await first.AnswerAsync("Hi");
        test.UntilState("done");
        var second = await test.AskAsync("More");

        Assert.Equal(Id, first.Body.GetProperty("promptId").GetGuid());
        Assert.Equal(JsonValueKind.Null, second.Body.GetProperty("promptId").ValueKind);
        Assert.Equal(Id.ToString(), test.Find(TestIds.PromptInUse).GetAttribute("data-prompt-id"));
        await second.AnswerAsync("Ho");
    }

    [Fact]
    public async Task a_conversation_shows_its_prompt_and_can_do_without()
    {
        var conversation = Guid.NewGuid();
        await using var test = await PageTestContext.StartAsync(
            api =>
            {
                api.Other = Answer;
                api.Conversation = new { id = conversation, title = "Bread", currentMessageId = (Guid?)null, messages = Array.Empty<object>(), prompt = new { id = Id, version = 1, name = "Old baker", text = "You baked." } };
            },
            conversation: conversation);
        test.Until(() => Assert.Contains("Old baker, version 1", test.Find(TestIds.PromptInUse).TextContent, StringComparison.Ordinal));

        await test.Page.InvokeAsync(() => test.Session.ChoosePromptAsync(Id));
        test.Until(() => Assert.Equal("3", test.Find(TestIds.PromptInUse).GetAttribute("data-version")));
        await test.Page.InvokeAsync(() => test.Session.ChoosePromptAsync(null));

        test.Until(() => Assert.Empty(test.FindAll(TestIds.PromptInUse)));
        Assert.Equal([$"PUT /conversations/{conversation}/prompt", $"DELETE /conversations/{conversation}/prompt"], test.Api.Asked);
    }

    private static Task<IResult> Answer(HttpContext http) => Task.FromResult(http.Request.Method switch
    {
        "GET" => Results.Json(Saved),
        "PUT" => Results.Json(new { id = Id, version = 3, name = "Baker", text = "You bake." }),
        "DELETE" => Results.NoContent(),
        _ => Results.NotFound(),
    });
}
