using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LlmAspire.Api.Chat;
using LlmAspire.Api.Llm;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Prompts;

/// <summary>
/// One system prompt being written, for one reader. It is stored nowhere, so it ends with its reader: who goes away ends the call. Its last event, <c>done</c> or
/// <c>error</c>, comes after the call is durable in the ledger.
/// </summary>
internal sealed partial class PromptDraft(CallContext call, IReadOnlyList<ChatMessage> messages, ChatOptions options, string traceId, ILogger logger)
{
    private readonly Channel<ChatEvent> _events = Channel.CreateUnbounded<ChatEvent>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly TaskCompletionSource<GatewayFailure?> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the model began to answer, with null, or when the draft failed before that, with the failure.</summary>
    public Task<GatewayFailure?> Started => _started.Task;

    /// <summary>Writes it. Never fails.</summary>
    /// <param name="readerGone">Ends the call. What it used is recorded as of somebody who left.</param>
    public async Task ExecuteAsync(IChatClient client, CancellationToken readerGone)
    {
        using var leaving = new CancellationTokenSource();
        await using var left = readerGone.Register(() =>
        {
            // First the reason: a call that is cancelled asks for it.
            call.MarkCancelled(UsageOutcome.Disconnected);
            leaving.Cancel();
        });
        Exception? broken = null;
        try
        {
            using var scope = call.Enter();
            await foreach (var update in client.GetStreamingResponseAsync(messages, options, leaving.Token))
            {
                _started.TrySetResult(null);
                if (SqlText.Storable(update.Text) is { Length: > 0 } text)
                {
                    _events.Writer.TryWrite(new AnswerDelta(text));
                }
            }
        }
        catch (Exception exception)
        {
            // What it means is told by the calls, which know more than the SDK says.
            broken = exception;
        }

        List<ChatEvent> last = [];
        var (ending, failure) = await ChatRun.SettleAsync(call, traceId, broken, last, exception => LogBroken(logger, exception, call.RequestId));
        foreach (var data in last.Append(ending))
        {
            _events.Writer.TryWrite(data);
        }

        _events.Writer.Complete();
        _started.TrySetResult(failure);
    }

    /// <summary>The events as they come, to the last. For one reader.</summary>
    public async IAsyncEnumerable<SseItem<ChatEvent>> ReadEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var data in _events.Reader.ReadAllAsync(cancellationToken))
        {
            yield return new SseItem<ChatEvent>(data, data.EventType);
        }
    }

    [LoggerMessage(LogLevel.Error, "The writing of a prompt broke, request {RequestId}.")]
    private static partial void LogBroken(ILogger logger, Exception? exception, Guid requestId);
}
