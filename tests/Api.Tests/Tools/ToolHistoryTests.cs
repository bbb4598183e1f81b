using System.Net;
using System.Net.Http.Json;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmAspire.Api.Tests.Runs;
using LlmAspire.TestPostgres;

namespace LlmAspire.Api.Tests.Tools;

/// <summary>What a model is told of tools: those that it may call, and those that were called before.</summary>
public class ToolHistoryTests
{
    /// <summary>A model that says something and calls the calculator, as LiteLLM streams it.</summary>
    internal const string Call =
        "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Let me see.\"}}]}\n\n"
        + "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"id\":\"call_1\",\"function\":{\"arguments\":\"\",\"name\":\"calculator\"},\"type\":\"function\",\"index\":0}]}}]}\n\n"
        + "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{\\\"expression\\\":\"},\"type\":\"function\",\"index\":0}]}}]}\n\n"
        + "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"\\\"2*3\\\"}\"},\"type\":\"function\",\"index\":0}]}}]}\n\n"
        + "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"finish_reason\":\"tool_calls\",\"index\":0,\"delta\":{}}]}\n\n";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task the_next_turn_has_the_calls_and_results_as_messages_of_their_own()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync() };
        var client = await api.CreateSignedInClientAsync("pro");
        gateway.OnChat = context => gateway.Chats.Count == 1
            ? Answers.SendStream(Call + Answers.Usage(Answers.UsageJson) + Answers.Done)(context)
            : Answers.Normal(context);

        var events = await client.SendAsync(new { message = "What is 2*3?", tools = new[] { "calculator" } });

        Assert.Equal(["run", "delta", "tool", "tool", "delta", "delta", "usage", "usage", "done"], events.Select(one => one.Type));
        // What is said after the tool is a paragraph of its own.
        Assert.Equal("Let me see.\n\nHello, world", events.Text());
        Assert.Equal(("Let me see.".Length, 1), (events[2].Data.GetProperty("at").GetInt32(), events[2].Data.GetProperty("round").GetInt32()));
        var tool = Assert.Single(gateway.Chats.First().Body.GetProperty("tools").EnumerateArray()).GetProperty("function");
        Assert.Equal("calculator", tool.GetProperty("name").GetString());
        Assert.Equal(["expression"], tool.GetProperty("parameters").GetProperty("properties").EnumerateObject().Select(property => property.Name));
        string[] looped = ["user: What is 2*3?", "assistant: Let me see. call_1 calculator {\"expression\":\"2*3\"}", "tool: call_1 {\"value\":\"6\",\"exact\":true}"];
        Assert.Equal(looped, Messages(gateway.Chats.Last()));

        await client.SendAsync(new { conversationId = events[0].Id("conversationId"), message = "And now?" });
        Assert.Equal([.. looped, "assistant: \n\nHello, world", "user: And now?"], Messages(gateway.Chats.Last()));
    }

    [Fact]
    public async Task a_model_that_cannot_use_tools_is_offered_none_and_hears_of_none()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.ModelInfo = gateway.ModelInfo.Replace("\"max_output_tokens\":64000,\"supports_function_calling\":true", "\"max_output_tokens\":64000,\"supports_function_calling\":false", StringComparison.Ordinal);
        await using var api = new ApiFactory(gateway.BaseUrl) { Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync() };
        var client = await api.CreateSignedInClientAsync("pro");
        gateway.OnChat = context => gateway.Chats.Count == 1
            ? Answers.SendStream(Call + Answers.Usage(Answers.UsageJson) + Answers.Done)(context)
            : Answers.Normal(context);

        var events = await client.SendAsync(new { message = "What is 2*3?", tools = new[] { "calculator" } });
        using var refused = await client.ChatAsync(new { message = "What is 2*3?", model = "claude-default", tools = new[] { "calculator" } });
        Assert.Equal((HttpStatusCode.BadRequest, "tools_unsupported"), (refused.StatusCode, (await refused.ReadProblemAsync()).GetProperty("code").GetString()));

        await client.SendAsync(new { conversationId = events[0].Id("conversationId"), message = "And now?", model = "claude-default" });
        Assert.Equal(["user: What is 2*3?", "assistant: Let me see.\n\nHello, world", "user: And now?"], Messages(gateway.Chats.Last()));
    }

    [Fact]
    public async Task a_tool_that_was_not_offered_is_not_called_and_the_model_told()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync() };
        var client = await api.CreateSignedInClientAsync("pro");
        gateway.OnChat = context => gateway.Chats.Count == 1
            ? Answers.SendStream(Call + Answers.Usage(Answers.UsageJson) + Answers.Done)(context)
            : Answers.Normal(context);

        var events = await client.SendAsync(new { message = "What is 2*3?", tools = new[] { "current_time" } });

        Assert.Equal(["called", "failed"], events.Where(one => one.Type == "tool").Select(one => one.Data.GetProperty("state").GetString()));
        Assert.Equal("done", events[^1].Type);
        Assert.StartsWith("tool: call_1 Error:", Messages(gateway.Chats.Last()).Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task an_estimate_counts_the_tools()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync() };
        var client = await api.CreateSignedInClientAsync("pro");

        var without = await EstimateAsync(client, []);
        var with = await EstimateAsync(client, ["calculator"]);

        Assert.True(with > without + 20, $"{with} is not more than {without}.");
    }

    private static async Task<long> EstimateAsync(HttpClient client, string[] tools)
    {
        using var answer = await client.PostAsync("/chat/estimate", JsonContent.Create(new { message = "Hi", tools }), Token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Token)).RootElement.GetProperty("promptTokens").GetInt64();
    }

    private static string Compact(string json) => JsonNode.Parse(json)!.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static IEnumerable<string> Messages(SeenRequest seen) => seen.Body.GetProperty("messages").EnumerateArray().Select(message =>
    {
        var said = $"{message.GetProperty("role").GetString()}:";
        if (message.TryGetProperty("tool_call_id", out var id))
        {
            said += $" {id.GetString()}";
        }

        if (message.TryGetProperty("content", out var content) && content.ValueKind != JsonValueKind.Null)
        {
            said += $" {(content.ValueKind == JsonValueKind.Array ? string.Concat(content.EnumerateArray().Select(part => part.GetProperty("text").GetString())) : content.GetString())}";
        }

        return message.TryGetProperty("tool_calls", out var calls)
            ? said + string.Concat(calls.EnumerateArray().Select(call =>
                $" {call.GetProperty("id").GetString()} {call.GetProperty("function").GetProperty("name").GetString()} {Compact(call.GetProperty("function").GetProperty("arguments").GetString()!)}"))
            : said;
    });
}
