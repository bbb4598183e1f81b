using System.Globalization;
using System.Net.ServerSentEvents;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>The id of an event: <c>0199…:1:7</c> is the seventh event of a run's first attempt.</summary>
internal readonly record struct RunEventId(Guid RunId, int Attempt, int Sequence)
{
    /// <summary>Null when it is none of this run.</summary>
    public static RunEventId? Parse(string? text, Guid runId) =>
        text?.Split(':') is [var run, var attempt, var sequence]
            && Guid.TryParse(run, out var id) && id == runId
            && int.TryParse(attempt, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && int.TryParse(sequence, NumberStyles.None, CultureInfo.InvariantCulture, out var place)
            ? new RunEventId(id, number, place)
            : null;

    public SseItem<ChatEvent> Mark(ChatEvent data) => new(data, data.EventType) { EventId = ToString() };

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{RunId}:{Attempt}:{Sequence}");
}
