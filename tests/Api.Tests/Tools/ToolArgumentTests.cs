using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using LlmAspire.Api.Tests.Runs;
using LlmAspire.Api.Tools;
using LlmAspire.TestPostgres;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Tests.Tools;

/// <summary>What models send as the arguments of a tool, and what tools say: nothing of it ends a run.</summary>
public class ToolArgumentTests
{
    private const string Wrong = "The arguments were not a JSON object. Call the tool again with a JSON object that fits its schema; without arguments send {}.";

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("null")]
    [InlineData(" \n\t ")]
    [InlineData("{}")]
    [InlineData(" { } ")]
    public async Task empty_arguments_are_none(string? arguments)
    {
        var (tool, sentBack, _) = await CallAsync("plain", arguments);

        Assert.Equal(("ok", "{}", "plain answer"), (Word(tool, "state"), Word(tool, "arguments"), Word(tool, "result")));
        Assert.Equal("{}", sentBack);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("\"text\"")]
    [InlineData("12")]
    [InlineData("true")]
    [InlineData("{\"text\":")]
    [InlineData("{'text':'a'}")]
    [InlineData("text=a")]
    [InlineData("{} {}")]
    [InlineData("{\"\\ud800\":1}")]
    public async Task arguments_that_are_no_object_are_told_to_the_model(string arguments)
    {
        var (tool, sentBack, told) = await CallAsync("echo", arguments);

        Assert.Equal(("failed", Wrong), (Word(tool, "state"), Word(tool, "result")));
        Assert.Equal(JsonValueKind.Null, tool.GetProperty("arguments").ValueKind);
        Assert.Equal(("{}", Wrong), (sentBack, told));
    }

    [Theory]
    [InlineData("""{"text":"a\ud800b\u0000"}""", "a\uFFFDb\uFFFD")]
    [InlineData("""{"text":"\udc00\ud83d\ude00"}""", "\uFFFD😀")]
    [InlineData("""{"text":"a","odd\u0000":["\ud800",{"b\ud83d":"\ude00"}]}""", "a")]
    public async Task odd_unicode_in_arguments_is_replaced(string arguments, string echoed)
    {
        var (tool, sentBack, told) = await CallAsync("echo", arguments);

        Assert.Equal(("ok", $"echo: {echoed}"), (Word(tool, "state"), Word(tool, "result")));
        Assert.Equal($"echo: {echoed}", told);
        Assert.Equal(echoed, JsonDocument.Parse(sentBack).RootElement.GetProperty("text").GetString());
        Assert.DoesNotContain("\\u0000", sentBack, StringComparison.Ordinal);
    }

    [Fact]
    public async Task odd_unicode_in_what_a_tool_says_is_replaced()
    {
        var (tool, _, told) = await CallAsync("odd", "{}");

        Assert.Equal(("ok", "a\uFFFDb\uFFFDc\uFFFD\n"), (Word(tool, "state"), Word(tool, "result")));
        Assert.Equal(Word(tool, "result"), told);
    }

    [Fact]
    public async Task odd_unicode_in_a_json_result_is_replaced()
    {
        var (tool, _, told) = await CallAsync("odd_json", "{}");

        Assert.Equal(("ok", "{\"a\uFFFD\":\"b\uFFFD\uFFFD\"}"), (Word(tool, "state"), Word(tool, "result")));
        Assert.Equal(Word(tool, "result"), told);
    }

    [Fact]
    public async Task odd_unicode_in_what_is_told_of_a_tool_is_replaced()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await StartAsync(gateway);
        var client = await api.CreateSignedInClientAsync("pro");

        var events = await client.SendAsync(new { message = "Hi", tools = new[] { "odd\uFFFDname\uFFFD" } });

        Assert.Equal("done", events[^1].Type);
        var offered = gateway.Chats.Single().Body.GetProperty("tools")[0].GetProperty("function");
        Assert.Equal("De\uFFFDscribed\uFFFD", Word(offered, "description"));
        var property = Assert.Single(offered.GetProperty("parameters").GetProperty("properties").EnumerateObject());
        Assert.Equal(("te\uFFFDxt", "half \uFFFD"), (property.Name, Word(property.Value, "description")));
        var listed = (await client.GetStringAsync("/chat/tools", TestContext.Current.CancellationToken)).Split("\"name\"").Single(one => one.Contains("scribed", StringComparison.Ordinal));
        Assert.DoesNotContain("\\u0000", listed, StringComparison.Ordinal);
    }

    /// <returns>The call as users see it, and as the model is told of it in the next request: its arguments and its result.</returns>
    private static async Task<(JsonElement Tool, string SentBack, string Told)> CallAsync(string name, string? arguments)
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await StartAsync(gateway);
        var client = await api.CreateSignedInClientAsync("pro");
        gateway.OnChat = context => gateway.Chats.Count == 1 ? Answers.SendStream(ToolAnswers.Call(name, arguments))(context) : Answers.Normal(context);

        var events = await client.SendAsync(new { message = "Do it.", tools = new[] { name } });

        Assert.Equal("done", events[^1].Type);
        var tool = events.Last(one => one.Type == "tool").Data;
        var answer = (await client.ConversationAsync(events[0].Id("conversationId"))).GetProperty("messages")[1];
        Assert.Equal("complete", Word(answer, "status"));
        Assert.Equal(tool.GetRawText(), answer.GetProperty("tools")[0].GetRawText());
        var messages = gateway.Chats.Last().Body.GetProperty("messages");
        return (tool, Word(messages[1].GetProperty("tool_calls")[0].GetProperty("function"), "arguments"), TextOf(messages[2].GetProperty("content")));
    }

    private static async Task<ApiFactory> StartAsync(TestGateway gateway) => new(gateway.BaseUrl)
    {
        Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync(),
        Replace = services =>
        {
            services.AddChatTool(AIFunctionFactory.Create(() => "plain answer", "plain", "Needs nothing."), "Plain");
            services.AddChatTool(AIFunctionFactory.Create((string text) => $"echo: {text}", "echo", "Echoes."), "Echo");
            services.AddChatTool(AIFunctionFactory.Create(() => "a\ud800b\0c\u0007\n", "odd", "Says odd things."), "Odd");
            services.AddChatTool<OddJsonTool>("odd_json");
            services.AddChatTool(new OddFunction(), "Odd\ud800\0label");
        },
    };

    private static string TextOf(JsonElement content) =>
        content.ValueKind == JsonValueKind.Array ? string.Concat(content.EnumerateArray().Select(part => Word(part, "text"))) : content.GetString()!;

    private static string Word(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private sealed class OddJsonTool
    {
        // As somebody else's API may have sent it.
        [SuppressMessage("Performance", "CA1822", Justification = "Tools are instances.")]
        public JsonElement Tell() => JsonElement.Parse("""{"a\ud800":"b\udc00\u0000"}""");
    }

    private sealed class OddFunction : AIFunction
    {
        public override string Name => "odd\0name\ud800";

        public override string Description => "De\ud800scribed\0";

        public override JsonElement JsonSchema { get; } =
            JsonElement.Parse("""{"type":"object","properties":{"te\ud800xt":{"type":"string","description":"half \ud83d"}}}""");

        protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) => new("called");
    }
}
