using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace LlmAspire.Api.Chat.Groups;

/// <summary>Several answers to one message that are being made, whoever reads them. Safe to use from several threads.</summary>
/// <param name="runs">In the order of the models that were asked for.</param>
/// <param name="winner">The first answer that is good enough; null when there was none, or none was looked for.</param>
/// <param name="done">Ends when every answer has ended.</param>
internal sealed class AnswerGroup(IReadOnlyList<ChatRun> runs, Task<GroupWinner?> winner, Task<GroupDone> done)
{
    /// <summary>Events that are read faster than they are sent.</summary>
    private const int Ahead = 100;

    /// <summary>
    /// The events of all, as they come, each with <c>runId</c> and <c>model</c> and the id that it has in the stream of its own run: who is cut off reads on with
    /// <c>GET /chat/runs/{id}/events</c>. What concerns all has no id.
    /// </summary>
    public async IAsyncEnumerable<SseItem<JsonObject>> ReadEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var events = Channel.CreateBounded<SseItem<JsonObject>>(Ahead);
        var reading = ReadAllAsync(events.Writer, leaving.Token);
        try
        {
            yield return Mark(ToStarted(), GroupStarted.EventType);
            await foreach (var item in events.Reader.ReadAllAsync(cancellationToken))
            {
                yield return item;
            }

            yield return Mark(await done.WaitAsync(cancellationToken), GroupDone.EventType);
        }
        finally
        {
            await leaving.CancelAsync();
            await reading;
        }
    }

    /// <summary>Never fails: how it ended is said to who reads the channel.</summary>
    private async Task ReadAllAsync(ChannelWriter<SseItem<JsonObject>> events, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(runs.Select(run => ReadAsync(run, events, cancellationToken)).Append(ReadWinnerAsync(events, cancellationToken)));
            events.Complete();
        }
        catch (Exception exception)
        {
            events.Complete(exception);
        }
    }

    private static async Task ReadAsync(ChatRun run, ChannelWriter<SseItem<JsonObject>> events, CancellationToken cancellationToken)
    {
        await foreach (var item in run.ReadEventsAsync(0, cancellationToken))
        {
            var tagged = ToJson(item.Data);
            tagged["runId"] = run.Id;
            tagged["model"] = run.Plan.Context.ModelAlias;
            await events.WriteAsync(new SseItem<JsonObject>(tagged, item.EventType) { EventId = item.EventId }, cancellationToken);
        }
    }

    private async Task ReadWinnerAsync(ChannelWriter<SseItem<JsonObject>> events, CancellationToken cancellationToken)
    {
        if (await winner.WaitAsync(cancellationToken) is { } best)
        {
            await events.WriteAsync(Mark(best, GroupWinner.EventType), cancellationToken);
        }
    }

    private GroupStarted ToStarted() => new(
        runs[0].Plan.Context.RequestId, runs[0].Plan.ConversationId, runs[0].Plan.UserMessageId, runs[0].Plan.TraceId,
        [.. runs.Select(run => new GroupRun(run.Id, run.Plan.MessageId, run.Plan.Context.ModelAlias))]);

    private static SseItem<JsonObject> Mark(object data, string eventType) => new(ToJson(data), eventType);

    private static JsonObject ToJson(object data) => JsonSerializer.SerializeToNode(data, data.GetType(), JsonSerializerOptions.Web)!.AsObject();
}
