using System.Diagnostics;
using LlmAspire.Web.Api;

namespace LlmAspire.Web.Chat;

/// <summary>The root span of a send. All members do nothing when nobody listens to the source.</summary>
internal sealed class SendTrace(Activity? span, Activity? previous) : IDisposable
{
    public string? TraceId => span?.TraceId.ToHexString();

    public void Started(RunStarted run) => span?
        .SetTag("llmaspire.run_id", run.RunId)
        .SetTag("llmaspire.request_id", run.RequestId)
        .SetTag("llmaspire.conversation_id", run.ConversationId?.ToString());

    public void Ended(string? finishReason) => span?.SetTag("llmaspire.finish_reason", finishReason);

    public void Failed(Problem problem) => span?
        .SetTag("error.type", problem.Code ?? problem.Status?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "_OTHER")
        .SetStatus(ActivityStatusCode.Error);

    /// <summary>
    /// Makes the span current for the rest of the calling async method: for requests that belong to the send but start in
    /// another event of the circuit.
    /// </summary>
    public void MakeCurrent() => Activity.Current = span;

    public void Dispose()
    {
        span?.Dispose();
        Activity.Current = previous;
    }
}
