using System.Buffers;
using System.IO.Pipelines;
using LlmAspire.Api.Http;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Llm.Forwarding;

namespace LlmAspire.Api.OpenAi;

/// <summary>The response as the place of a stream.</summary>
internal sealed class CompletionSink(HttpContext context) : ICompletionSink
{
    // Taken now: where a stream fails the current activity may be another one.
    private readonly string _traceId = Problems.TraceId(context);

    public PipeWriter Begin()
    {
        var headers = context.Response.Headers;
        headers.ContentType = "text/event-stream; charset=utf-8";
        headers.CacheControl = "no-cache";
        // Proxies of the nginx kind would keep the events until the answer is complete.
        headers["X-Accel-Buffering"] = "no";
        return context.Response.BodyWriter;
    }

    public void WriteFailure(GatewayFailure failure, IBufferWriter<byte> output) => output.Write(OpenAiError.Of(failure, _traceId).ToUtf8Json());
}
