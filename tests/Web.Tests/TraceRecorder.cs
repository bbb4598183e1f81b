using System.Collections.Concurrent;
using System.Diagnostics;

namespace LlmAspire.Web.Tests;

/// <summary>Records the spans of the front end and of its HTTP client that belong to its own traces.</summary>
internal sealed class TraceRecorder : IDisposable
{
    private readonly ActivityListener _listener;
    private readonly ConcurrentQueue<Activity> _ended = [];

    public TraceRecorder()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "LlmAspire.Web" or "System.Net.Http",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>The ended spans of one trace: tests run side by side, and a listener hears them all.</summary>
    public IReadOnlyList<Activity> SpansOf(string traceId) => [.. _ended.Where(span => span.TraceId.ToHexString() == traceId)];

    public void Dispose() => _listener.Dispose();
}
