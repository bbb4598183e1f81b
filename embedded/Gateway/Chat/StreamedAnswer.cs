using System.Buffers;
using System.Text.Json;
using LlmAspire.DemoGateway.Configuration;
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
/// Nothing is sent, headers included, before the first event: an answer that fails before it has a status of its own.
/// </summary>
/// <param name="deployment">Named by the headers, for good: who takes over later is not.</param>
/// <param name="alias">What was asked for. Every event says it, whoever serves, but for newer proxies.</param>
/// <param name="logprobs">How many likely tokens to tell with each; null for no likelihoods at all.</param>
/// <param name="isNewer">Newer proxies say when a fallback serves from the beginning, as in a body (BerriAI/litellm#30914).</param>
internal sealed class StreamedAnswer(
    HttpContext http, string callId, Deployment deployment, string alias, int? logprobs, bool isNewer, TimeProvider time) : IAnswerWriter
{
    private readonly bool _tellsFallback = isNewer && deployment.Alias != alias;
    private AnswerIdentity _identity = AnswerIdentity.New(deployment, isNewer && deployment.Alias != alias ? deployment.Model : alias, time.GetUtcNow());
    private bool _roleSent;
    private int _choice;

    public Task WriteAsync(AnswerStep step)
    {
        switch (step)
        {
            case TextStep text:
                return WriteDeltaAsync(
                    new Delta(Content: text.Text), step.RunningUsage, logprobs is { } top ? new Logprobs([Logprobs.Of(text.Text, top)]) : null);
            case NextChoiceStep next:
                var ended = new ChunkChoice(next.FinishReason, _choice++, new Delta());
                _roleSent = false;
                return WriteChunkAsync(ended, serviceTier: null);
            case ToolCallStep call:
                return WriteDeltaAsync(new Delta(ToolCalls: [new ToolCall(call.Id, new FunctionCall("", call.Name), "function", call.Index)]), step.RunningUsage);
            case ToolArgumentsStep arguments:
                return WriteDeltaAsync(
                    new Delta(ToolCalls: [new ToolCall(null, new FunctionCall(arguments.Json, null), "function", arguments.Index)]), step.RunningUsage);
            case TakeOverStep takeOver:
                (_identity, _roleSent) = (AnswerIdentity.New(takeOver.By.Deployment, alias, time.GetUtcNow()), false);
                return Task.CompletedTask;
            case FinishStep finish:
                return WriteChunkAsync(new ChunkChoice(finish.Reason, _choice, new Delta()), serviceTier: null);
            case UsageStep usage:
                // Its choices are not empty, unlike OpenAI's.
                return WriteChunkAsync(new ChunkChoice(null, 0, new Delta()), serviceTier: null, usage.Usage);
            case BlankStep:
                return WriteChunkAsync(new ChunkChoice(null, 0, new Delta()), serviceTier: null);
            case DoneStep:
                return WriteEventAsync("[DONE]"u8.ToArray());
            case ErrorStep error:
                return http.Response.HasStarted ? WriteEventAsync(error.InStream.ToUtf8Json()) : throw error.BeforeHeaders;
            case ResetStep:
                http.Abort();
                return Task.CompletedTask;
            default:
                return Task.CompletedTask;
        }
    }

    public IResult Result()
    {
        // A stream that ends before its first event has its headers all the same.
        Begin();
        return Results.Empty;
    }

    private Task WriteDeltaAsync(Delta delta, TokenUsage? usage, Logprobs? likely = null)
    {
        var first = !_roleSent;
        _roleSent = true;
        return WriteChunkAsync(new ChunkChoice(null, _choice, first ? delta with { Role = "assistant" } : delta, likely), _identity.ServiceTier, usage);
    }

    private Task WriteChunkAsync(ChunkChoice choice, string? serviceTier, TokenUsage? usage = null) => WriteEventAsync(JsonSerializer.SerializeToUtf8Bytes(
        new ChatCompletionChunk(
            _identity.Id, _identity.Created, _identity.Model, "chat.completion.chunk", _identity.SystemFingerprint, [choice], serviceTier, usage),
        GatewayJson.Wire.ChatCompletionChunk));

    private async Task WriteEventAsync(byte[] data)
    {
        Begin();
        var body = http.Response.BodyWriter;
        body.Write("data: "u8);
        body.Write(data);
        body.Write("\n\n"u8);
        await body.FlushAsync(http.RequestAborted);
    }

    private void Begin()
    {
        if (!http.Response.HasStarted)
        {
            LiteLlmHeaders.WriteStreamed(http.Response.Headers, callId, deployment);
            if (_tellsFallback)
            {
                http.Response.Headers[LiteLlmHeaders.AttemptedFallbacks] = "1";
            }

            http.Response.ContentType = "text/event-stream; charset=utf-8";
        }
    }
}
