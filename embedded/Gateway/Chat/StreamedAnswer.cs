using System.Text.Json;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>
/// Writes an answer as server-sent events, in LiteLLM's form:
/// <code>
/// data: {"id":"chatcmpl-1","created":1795391504,"model":"chat-default",…,"choices":[{"index":0,"delta":{"content":"Hello","role":"assistant"}}]}
/// data: {…,"choices":[{"finish_reason":"stop","index":0,"delta":{}}]}
/// data: {…,"choices":[{"index":0,"delta":{}}],"usage":{…}}
/// data: [DONE]
/// </code>
/// </summary>
internal sealed class StreamedAnswer(HttpResponse response, AnswerIdentity identity, CancellationToken cancellationToken)
{
    private bool _roleSent;

    /// <summary>Sends one step; reasoning is not shown. Nothing is sent, headers included, before the first of them.</summary>
    public Task WriteAsync(AnswerStep step) => step switch
    {
        TextStep text => WriteDeltaAsync(new Delta(Content: text.Text)),
        ToolCallStep call => WriteDeltaAsync(new Delta(ToolCalls: [new ToolCall(call.Id, new FunctionCall("", call.Name), "function", call.Index)])),
        ToolArgumentsStep arguments =>
            WriteDeltaAsync(new Delta(ToolCalls: [new ToolCall(null, new FunctionCall(arguments.Json, null), "function", arguments.Index)])),
        _ => Task.CompletedTask,
    };

    /// <param name="usage">Null when the client did not ask for it: then there is none at all.</param>
    public async Task EndAsync(string finishReason, TokenUsage? usage)
    {
        await WriteChunkAsync(new ChunkChoice(finishReason, 0, new Delta()), serviceTier: null);
        if (usage is not null)
        {
            // Its choices are not empty, unlike OpenAI's.
            await WriteChunkAsync(new ChunkChoice(null, 0, new Delta()), serviceTier: null, usage);
        }

        await WriteEventAsync("[DONE]"u8.ToArray());
    }

    private Task WriteDeltaAsync(Delta delta)
    {
        var first = !_roleSent;
        _roleSent = true;
        return WriteChunkAsync(new ChunkChoice(null, 0, first ? delta with { Role = "assistant" } : delta), identity.ServiceTier);
    }

    private Task WriteChunkAsync(ChunkChoice choice, string? serviceTier, TokenUsage? usage = null) => WriteEventAsync(JsonSerializer.SerializeToUtf8Bytes(
        new ChatCompletionChunk(
            identity.Id, identity.Created, identity.Alias, "chat.completion.chunk", identity.SystemFingerprint, [choice], serviceTier, usage),
        GatewayJson.Wire.ChatCompletionChunk));

    private async Task WriteEventAsync(byte[] data)
    {
        response.ContentType ??= "text/event-stream; charset=utf-8";
        await response.Body.WriteAsync((byte[])[.. "data: "u8, .. data, .. "\n\n"u8], cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
    }
}
