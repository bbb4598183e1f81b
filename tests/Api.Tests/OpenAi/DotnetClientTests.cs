using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using LlmAspire.Usage;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;

namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>OpenAI's own client for .NET against <c>/v1</c>.</summary>
public sealed class DotnetClientTests(OpenAiFixture stack) : IClassFixture<OpenAiFixture>
{
    private static readonly ChatTool Weather = ChatTool.CreateFunctionTool("get_weather", "The weather of a city", BinaryData.FromString(
        """{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}"""), functionSchemaIsStrict: true);

    private static readonly ChatTool Clock = ChatTool.CreateFunctionTool("get_time", "The time of day in a city", BinaryData.FromString(
        """{"type":"object","properties":{"zone":{"type":"string"}},"required":["zone"],"additionalProperties":false}"""));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task it_lists_the_models_of_the_plan()
    {
        var basic = Client(await stack.CreateKeyAsync("basic")).GetOpenAIModelClient();
        var enterprise = Client(await stack.CreateKeyAsync("enterprise")).GetOpenAIModelClient();

        var ofBasic = (await basic.GetModelsAsync(Token)).Value.Select(model => model.Id).ToList();
        var ofEnterprise = (await enterprise.GetModelsAsync(Token)).Value.Select(model => model.Id).ToList();
        OpenAIModel one = await basic.GetModelAsync("chat-default", Token);

        Assert.Contains("chat-default", ofBasic);
        Assert.DoesNotContain("claude-default", ofBasic);
        Assert.Superset(ofBasic.ToHashSet(), ofEnterprise.ToHashSet());
        Assert.Contains("strong-reasoning", ofEnterprise);
        Assert.Equal(("chat-default", "openai"), (one.Id, one.OwnedBy));
        Assert.Equal(404, (await Assert.ThrowsAsync<ClientResultException>(() => basic.GetModelAsync("claude-default", Token))).Status);
    }

    [Fact]
    public async Task it_chats()
    {
        var key = await stack.CreateKeyAsync();

        var result = await Chat(key).CompleteChatAsync(
            [new SystemChatMessage("You are brief."), new UserChatMessage("Tell me of rain <<demo length=30>>")],
            new ChatCompletionOptions { Temperature = 0.2f, EndUserId = "somebody", MaxOutputTokenCount = 100, StopSequences = { "\u0001" } }, Token);

        var answer = result.Value;
        Assert.Equal(("chat-default", ChatFinishReason.Stop), (answer.Model, answer.FinishReason));
        Assert.NotEqual("", answer.Content[0].Text);
        Assert.Equal(30, answer.Usage.OutputTokenCount);
        var row = Assert.Single(await stack.RowsAsync(key));
        Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source));
        Assert.Equal((answer.Usage.InputTokenCount, answer.Usage.OutputTokenCount), (row.PromptTokens, row.CompletionTokens));
        // The row is found by what the client logs.
        Assert.True(result.GetRawResponse().Headers.TryGetValue("x-request-id", out var requestId));
        Assert.Equal(row.RequestId, Guid.Parse(requestId!));
        Assert.DoesNotContain(result.GetRawResponse().Headers, header => header.Key.Contains("litellm", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("chat-default")]
    [InlineData("claude-default")]
    [InlineData("fast-reasoning")]
    public async Task it_streams(string model)
    {
        var key = await stack.CreateKeyAsync();
        var (text, usages) = (new StringBuilder(), new List<ChatTokenUsage>());
        ChatFinishReason? finish = null;

        await foreach (var update in Chat(key, model).CompleteChatStreamingAsync([new UserChatMessage("Tell me of rain <<demo length=60>>")], cancellationToken: Token))
        {
            Assert.Equal(model, update.Model);
            text.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
            finish = update.FinishReason ?? finish;
            usages.AddRange(update.Usage is { } usage ? [usage] : []);
        }

        Assert.Equal(ChatFinishReason.Stop, finish);
        Assert.True(text.Length > 60);
        // This client always asks for it.
        var told = Assert.Single(usages);
        var row = Assert.Single(await stack.RowsAsync(key));
        Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source));
        Assert.Equal((told.InputTokenCount, told.OutputTokenCount), (row.PromptTokens, row.CompletionTokens));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task it_calls_tools_in_parallel_and_answers_with_their_results(bool streamed)
    {
        var key = await stack.CreateKeyAsync();
        var chat = Chat(key);
        List<ChatMessage> messages = [new UserChatMessage("What are the weather and the time in Oslo?")];
        var options = new ChatCompletionOptions { Tools = { Weather, Clock }, AllowParallelToolCalls = true };

        var calls = streamed ? await StreamCallsAsync(chat, messages, options) : await CallsAsync(chat, messages, options);
        Assert.Equal(["get_time", "get_weather"], calls.Select(call => call.FunctionName).Order(StringComparer.Ordinal));
        Assert.All(calls, call => Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(call.FunctionArguments).RootElement.ValueKind));
        messages.Add(new AssistantChatMessage(calls));
        messages.AddRange(calls.Select(call => new ToolChatMessage(call.Id, """{"value":"12 degrees"}""")));
        ChatCompletion answer = await chat.CompleteChatAsync(messages, options, Token);

        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Contains("12 degrees", answer.Content[0].Text, StringComparison.Ordinal);
        Assert.All(await stack.RowsAsync(key, 2), row => Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source)));
    }

    [Fact]
    public async Task it_gets_json_by_a_schema()
    {
        var key = await stack.CreateKeyAsync();
        var options = new ChatCompletionOptions
        {
            ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("place", BinaryData.FromString(
                """{"type":"object","properties":{"name":{"type":"string"},"people":{"type":"integer"}},"required":["name","people"],"additionalProperties":false}"""), jsonSchemaIsStrict: true),
        };

        ChatCompletion answer = await Chat(key).CompleteChatAsync([new UserChatMessage("Describe Oslo")], options, Token);

        var place = JsonDocument.Parse(answer.Content[0].Text).RootElement;
        Assert.Equal((JsonValueKind.String, JsonValueKind.Number), (place.GetProperty("name").ValueKind, place.GetProperty("people").ValueKind));
        await stack.RowsAsync(key);
    }

    [Fact]
    public async Task it_sends_pictures()
    {
        var key = await stack.CreateKeyAsync();
        var picture = BinaryData.FromBytes(new byte[300_000], "image/png");

        ChatCompletion answer = await Chat(key).CompleteChatAsync(
            [new UserChatMessage(ChatMessageContentPart.CreateTextPart("What is this?"), ChatMessageContentPart.CreateImagePart(picture, "image/png", ChatImageDetailLevel.Low))],
            cancellationToken: Token);

        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.InRange(answer.Usage.InputTokenCount, 86, 200);
        await stack.RowsAsync(key);
    }

    [Fact]
    public async Task its_errors_have_their_statuses()
    {
        var key = await stack.CreateKeyAsync("basic");

        Assert.Equal((401, "invalid_api_key"), await ErrorAsync(new TestKey(default, "llma_wrong"), "Hi"));
        Assert.Equal((401, "invalid_api_key"), await ErrorAsync(new TestKey(default, "sk-wrong"), "Hi"));
        Assert.Equal((404, "model_not_found"), await ErrorAsync(key, "Hi", "nope"));
        Assert.Equal((404, "model_not_found"), await ErrorAsync(key, "Hi", "strong-reasoning"));
        // None of these reached the gateway.
        Assert.Empty(await stack.RowsAsync(key, 0));

        Assert.Equal((400, "context_length_exceeded"), await ErrorAsync(key, "Hi <<demo status=context>>"));
        Assert.Equal((400, "provider_refused"), await ErrorAsync(key, "Hi <<demo status=400>>"));
        Assert.Equal((503, "model_busy"), await ErrorAsync(key, "Hi <<demo status=429>>"));
        Assert.Equal((502, "provider_failed"), await ErrorAsync(key, "Hi <<demo status=500>>"));
        Assert.Equal((502, "gateway_credentials_refused"), await ErrorAsync(key, "Hi <<demo status=401>>"));
        Assert.All(await stack.RowsAsync(key, 10), row => Assert.Equal((UsageOutcome.Failed, UsageSource.None), (row.Outcome, row.Source)));
    }

    [Fact]
    public async Task a_stream_that_is_left_is_a_disconnected_row()
    {
        var key = await stack.CreateKeyAsync();
        var seen = 0;

        await foreach (var update in Chat(key).CompleteChatStreamingAsync([new UserChatMessage($"Tell me of rain <<demo length=200 hold=net-{key.Id:N}@40>>")], cancellationToken: Token))
        {
            seen += update.ContentUpdate.Count;
            if (seen == 40)
            {
                break;
            }
        }

        var row = Assert.Single(await stack.RowsAsync(key));
        Assert.Equal((UsageOutcome.Disconnected, UsageSource.Estimated), (row.Outcome, row.Source));
        Assert.InRange(row.CompletionTokens, 38, 42);
    }

    /// <summary>The status and code of the error, which is the same streamed and not.</summary>
    private async Task<(int Status, string? Code)> ErrorAsync(TestKey key, string message, string model = "chat-default")
    {
        var chat = Chat(key, model);
        var plain = await Assert.ThrowsAsync<ClientResultException>(() => chat.CompleteChatAsync([new UserChatMessage(message)], cancellationToken: Token));
        var streamed = await Assert.ThrowsAsync<ClientResultException>(async () =>
        {
            await foreach (var _ in chat.CompleteChatStreamingAsync([new UserChatMessage(message)], cancellationToken: Token))
            {
            }
        });
        Assert.Equal((plain.Status, Code(plain)), (streamed.Status, Code(streamed)));
        return (plain.Status, Code(plain));

        static string? Code(ClientResultException exception)
        {
            var text = exception.GetRawResponse()!.Content.ToString();
            Assert.DoesNotContain("litellm", text, StringComparison.OrdinalIgnoreCase);
            return JsonDocument.Parse(text).RootElement.GetProperty("error").GetProperty("code").GetString();
        }
    }

    private static async Task<List<ChatToolCall>> CallsAsync(ChatClient chat, List<ChatMessage> messages, ChatCompletionOptions options)
    {
        ChatCompletion asked = await chat.CompleteChatAsync(messages, options, Token);
        Assert.Equal(ChatFinishReason.ToolCalls, asked.FinishReason);
        return [.. asked.ToolCalls];
    }

    private static async Task<List<ChatToolCall>> StreamCallsAsync(ChatClient chat, List<ChatMessage> messages, ChatCompletionOptions options)
    {
        var calls = new SortedDictionary<int, (string Id, string Name, StringBuilder Arguments)>();
        await foreach (var update in chat.CompleteChatStreamingAsync(messages, options, Token))
        {
            foreach (var piece in update.ToolCallUpdates)
            {
                calls.TryAdd(piece.Index, (piece.ToolCallId, piece.FunctionName, new StringBuilder()));
                calls[piece.Index].Arguments.Append(piece.FunctionArgumentsUpdate?.ToString());
            }
        }

        return [.. calls.Values.Select(call => ChatToolCall.CreateFunctionToolCall(call.Id, call.Name, BinaryData.FromString(call.Arguments.ToString())))];
    }

    private ChatClient Chat(TestKey key, string model = "chat-default") => Client(key).GetChatClient(model);

    private OpenAIClient Client(TestKey key) => new(new ApiKeyCredential(key.Secret), new OpenAIClientOptions
    {
        Endpoint = stack.BaseUrl,
        RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
    });
}
