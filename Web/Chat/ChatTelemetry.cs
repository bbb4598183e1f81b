using System.Diagnostics;

namespace LlmAspire.Web.Chat;

/// <summary>The spans of the front end: one root span a send, which ends with the answer. What was said is in none of them.</summary>
internal static class ChatTelemetry
{
    public const string SourceName = "LlmAspire.Web";

    public const string SendSpan = "chat send";

    /// <summary>Asks several models.</summary>
    public const string CompareSpan = "chat compare";

    /// <summary>Asks several models for the first good answer.</summary>
    public const string RaceSpan = "chat race";

    /// <summary>Goes on with an answer.</summary>
    public const string ContinueSpan = "chat continue";

    /// <summary>Reads an answer that somebody else asked for, or that the stream of broke.</summary>
    public const string FollowSpan = "chat follow";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>
    /// Starts the root span of an action and makes it current. Dispose it in the same method: that ends the span and makes the
    /// previous one current again.
    /// </summary>
    public static SendTrace Start(string name, string? model)
    {
        // Current here is the span of the circuit's connection, which lives as long as the tab: as the parent it would put
        // all messages of the tab into one trace.
        var previous = Activity.Current;
        Activity.Current = null;
        var span = Source.StartActivity(name);
        span?.SetTag("llmaspire.model", model);
        return new SendTrace(span, previous);
    }
}
