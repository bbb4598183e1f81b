using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Tools;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Chat;

/// <summary>
/// One answer being made, whoever reads it: calls the model and turns what comes into events. It ends in <c>done</c> or <c>error</c>, after every
/// call it made is durable in the ledger, and the answer in the conversation. Safe to use from several threads.
/// </summary>
internal sealed partial class ChatRun(RunPlan plan, IRunJournal journal, TimeSpan settleTimeout, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly GatewayFailure LedgerUnavailable = GatewayFailure.AnswerUnrecorded;

    private static readonly GatewayFailure Internal = new(
        StatusCodes.Status500InternalServerError, "internal_error", "Something failed on the server.",
        "Try again. If it stays, tell the operator the trace id.");

    private readonly CallContext _context = plan.Context;
    private readonly Lock _lock = new();
    private readonly List<ChatEvent> _events = [];
    private readonly StringBuilder _text = new(plan.Prefix);
    private readonly AnswerTools _tools = new(plan.Tools, plan.EarlierTools);
    private readonly Lock _storing = new();
    private readonly TaskCompletionSource<GatewayFailure?> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _cancellation = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _begun;
    private Announcement _announcement;
    private int _stored;
    private bool _isOver;
    private volatile bool _isWrittenDown = plan.Start is null;
    private volatile bool _fenced;

    /// <summary>Whether the caller was told of the run, or of its failure.</summary>
    private enum Announcement
    {
        None,
        Run,
        Failure,
    }

    public RunPlan Plan => plan;

    public Guid Id => plan.RunId;

    public int Attempt => plan.Attempt;

    public Guid UserId => _context.UserId;

    /// <summary>What earlier attempts left of the answer.</summary>
    public string Prefix => plan.Prefix;

    /// <summary>The whole answer when it is complete and durable; null before, and when it ended otherwise.</summary>
    public string? Answer { get; private set; }

    /// <summary>How the answer ended, as its conversation has it; running before.</summary>
    public MessageStatus Status { get; private set; } = MessageStatus.Running;

    /// <summary>Whether nothing of this attempt is written any more.</summary>
    public bool IsFenced => _fenced;

    /// <summary>Whether all events are there.</summary>
    public bool IsOver
    {
        get
        {
            lock (_lock)
            {
                return _isOver;
            }
        }
    }

    /// <summary>Cancelled when the run is to end early, for whatever reason.</summary>
    public CancellationToken Stopping => _cancellation.Token;

    /// <summary>Ends when the model began to answer, with null, or when the run failed before that, with the failure.</summary>
    public Task<GatewayFailure?> Started => _started.Task;

    /// <summary>The caller waits no longer for <see cref="Started"/>: whatever comes is an event.</summary>
    /// <returns>False when the run has failed already, and left nothing.</returns>
    public bool Announce()
    {
        lock (_lock)
        {
            if (_announcement == Announcement.None)
            {
                _announcement = Announcement.Run;
            }

            return _announcement == Announcement.Run;
        }
    }

    /// <summary>Ends the run early, for its user. Without effect when it is over.</summary>
    public void Stop() => _ = CancelAsync(UsageOutcome.Stopped);

    /// <summary>Somebody else has decided how this attempt ended: nothing of it is written any more.</summary>
    public void Fence(int attempt)
    {
        if (attempt == Attempt)
        {
            _fenced = true;
            _ = CancelAsync(UsageOutcome.Disconnected);
        }
    }

    /// <summary>
    /// Begins to write the run down: from then on other processes read and stop it, and it goes with its conversation. Whoever makes the answer waits for
    /// that, and does it when nobody has. Not to be called from several threads.
    /// </summary>
    public void Begin() => _begun ??= WriteDownAsync();

    /// <summary>Makes the answer. Never fails.</summary>
    public async Task ExecuteAsync(IChatClient client)
    {
        Begin();
        Publish([new RunStarted(
            Id, Attempt, _context.RequestId, plan.ConversationId, plan.UserMessageId, plan.MessageId, _context.ModelAlias, plan.TraceId)]);
        Exception? broken = null;
        try
        {
            await _begun!;
            using var scope = _context.Enter();
            var options = new ChatOptions { ModelId = _context.ModelAlias, Tools = plan.Tools?.Bind(Return) };
            await foreach (var update in client.GetStreamingResponseAsync(plan.Messages, options, _cancellation.Token))
            {
                _started.TrySetResult(null);
                Publish(Read(update));
            }
        }
        catch (Exception exception)
        {
            // What it means is told by the calls, which know more than the SDK says.
            broken = exception;
        }

        await EndAsync(broken);
    }

    /// <summary>The events after a number, as they come, up to the last.</summary>
    public async IAsyncEnumerable<SseItem<ChatEvent>> ReadEventsAsync(int after, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ChatEvent[] events;
            Task changed;
            lock (_lock)
            {
                // What comes after this moment ends the wait: nothing is missed between the two.
                events = _events.Count > after ? [.. _events[after..]] : [];
                changed = _isOver ? Task.CompletedTask : _changed.Task;
            }

            foreach (var data in events)
            {
                yield return new RunEventId(Id, Attempt, ++after).Mark(data);
            }

            if (events.Length == 0 && changed.IsCompletedSuccessfully)
            {
                yield break;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Stores the events that are not stored yet. Before the run itself is, they would be nobody's.</summary>
    public async Task StoreAsync(CancellationToken cancellationToken)
    {
        if (!_isWrittenDown)
        {
            return;
        }

        var writing = Task.CompletedTask;
        lock (_storing)
        {
            // The journal keeps the order of the calls. Not waited for in here: while nothing takes what comes before it, the end has to get into line too.
            if (TakeUnstored([]) is { } batch && batch.Last >= batch.First)
            {
                writing = journal.WriteAsync(batch, cancellationToken);
            }
        }

        await writing;
    }

    public void Dispose() => _cancellation.Dispose();

    private async Task WriteDownAsync()
    {
        if (plan.Start is { } start)
        {
            using var patience = new CancellationTokenSource(settleTimeout, time);
            await journal.WriteAsync(start, patience.Token);
            _isWrittenDown = true;
        }
    }

    private List<ChatEvent> Read(ChatResponseUpdate update)
    {
        List<ChatEvent> events = [];
        var length = _text.Length;
        if (SqlText.Storable(update.Text) is { Length: > 0 } text)
        {
            // What is said after tools were called is a paragraph of its own.
            var goesOn = length > plan.Prefix.Length && _tools.All is [.., { } last] && last.At == length && !char.IsWhiteSpace(_text[length - 1]);
            events.Add(new AnswerDelta(goesOn ? "\n\n" + text : text));
            length += text.Length + (goesOn ? 2 : 0);
        }

        events.AddRange(_tools.Read(update.Contents, length));
        return events;
    }

    private void Return(FunctionCallContent call, ToolReturn result)
    {
        if (_tools.Return(call, result) is { } returned)
        {
            Publish([returned]);
        }
    }

    private Task CancelAsync(UsageOutcome reason)
    {
        if (IsOver)
        {
            return Task.CompletedTask;
        }

        _context.MarkCancelled(reason);
        return _cancellation.CancelAsync();
    }

    private async Task EndAsync(Exception? broken)
    {
        List<ChatEvent> last = [];
        var (ending, failure) = await SettleAsync(_context, plan.TraceId, broken, last, exception => LogBroken(logger, exception, Id));
        if (_fenced)
        {
            (ending, failure) = (RunError.Interrupted(plan.TraceId), null);
        }

        last.InsertRange(0, _tools.End(ending is RunDone { FinishReason: not RunDone.Stopped } ? ToolCallState.Failed : ToolCallState.Stopped));
        last.Add(ending);
        var forgotten = failure is not null && TryAnnounceFailure();
        if (!_fenced && !await TryStoreEndAsync(last, failure, forgotten))
        {
            (failure, last[^1]) = (LedgerUnavailable, RunError.From(LedgerUnavailable, plan.TraceId));
        }

        Status = StatusOf(last[^1] as RunDone, failure);
        Answer = last[^1] is RunDone { FinishReason: not RunDone.Stopped } ? _text.ToString() : null;
        Publish(last, isLast: true);
        _started.TrySetResult(failure);
    }

    /// <summary>Waits until every call is settled; adds what they used.</summary>
    /// <param name="broken">What ended the answer before its end.</param>
    /// <param name="onUnexplained">Told of an end that no call explains.</param>
    /// <returns>The last event, and the failure that it tells of.</returns>
    internal static async Task<(ChatEvent Ending, GatewayFailure? Failure)> SettleAsync(
        CallContext context, string traceId, Exception? broken, List<ChatEvent> events, Action<Exception?> onUnexplained)
    {
        SettledCall[] calls;
        try
        {
            calls = await context.WhenSettledAsync();
        }
        catch (LedgerUnavailableException)
        {
            return Failed(LedgerUnavailable);
        }

        events.AddRange(calls.SelectMany(call => call.Rows).Select(row => CallUsage.From(row, traceId)));
        if (context.CancelledAs is not null && (broken is not null || calls is [.., { Usage.Outcome: UsageOutcome.Stopped or UsageOutcome.Disconnected }]))
        {
            return (new RunDone(RunDone.Stopped), null);
        }

        // A call was not made; those before it, of the same run, are settled.
        if (broken is CallRefusedException refused)
        {
            return Failed(refused.Failure);
        }

        if (calls is [] && broken is LedgerUnavailableException or OperationCanceledException)
        {
            return Failed(LedgerUnavailable);
        }

        // The SDK swallows an error event and an end without finish reason; the call does not.
        if (calls is [.., { Failure: { } failure }])
        {
            return Failed(failure);
        }

        if (broken is not null || calls is not [.., { FinishReason: { } reason }])
        {
            onUnexplained(broken);
            return Failed(Internal);
        }

        return (new RunDone(reason), null);

        (ChatEvent, GatewayFailure?) Failed(GatewayFailure failure) => (RunError.From(failure, traceId), failure);
    }

    private bool TryAnnounceFailure()
    {
        lock (_lock)
        {
            if (_announcement != Announcement.None || _started.Task.IsCompleted || plan.Start is null)
            {
                return false;
            }

            _announcement = Announcement.Failure;
            return true;
        }
    }

    private async Task<bool> TryStoreEndAsync(List<ChatEvent> last, GatewayFailure? failure, bool forgotten)
    {
        using var patience = new CancellationTokenSource(settleTimeout, time);
        try
        {
            Task writing;
            lock (_storing)
            {
                writing = journal.WriteAsync(ToRecord(last, failure, forgotten), patience.Token);
            }

            await writing;
            return true;
        }
        catch (Exception exception)
        {
            // Whatever it is, its readers wait for the end.
            LogNotStored(logger, exception, Id);
            return false;
        }
    }

    private RunEnd ToRecord(List<ChatEvent> last, GatewayFailure? failure, bool forgotten)
    {
        var done = last[^1] as RunDone;
        return new RunEnd(
            Id,
            plan.MessageId,
            TakeUnstored(last),
            StatusOf(done, failure),
            done?.FinishReason,
            _text.ToString(),
            last[^1] is RunError error ? JsonSerializer.Serialize(error, JsonSerializerOptions.Web) : null,
            JsonSerializer.Serialize(last.OfType<CallUsage>(), JsonSerializerOptions.Web),
            plan.TraceId,
            time.GetUtcNow(),
            forgotten ? plan.Forgotten : null)
        {
            Tools = ToolCalls.Serialize(_tools.All),
        };
    }

    private MessageStatus StatusOf(RunDone? done, GatewayFailure? failure) => done switch
    {
        { FinishReason: RunDone.Stopped } => MessageStatus.Stopped,
        not null => MessageStatus.Complete,
        // Without a failure of its own it is somebody else's now.
        null when failure is null || failure == GatewayFailure.ServerStopping => MessageStatus.Interrupted,
        // An answer that could not be continued may be tried again.
        null when Attempt > 1 && _text.Length == plan.Prefix.Length => MessageStatus.Interrupted,
        null => MessageStatus.Failed,
    };

    /// <summary>The events that are not stored yet, and those that follow.</summary>
    private RunEvents TakeUnstored(List<ChatEvent> following)
    {
        lock (_lock)
        {
            var first = _stored;
            _stored = _events.Count;
            List<ChatEvent> events = [.. _events[first..], .. following];
            return new RunEvents(
                Id, Attempt, first + 1, first + events.Count,
                string.Concat(events.OfType<AnswerDelta>().Select(delta => delta.Text)), StoredEvent.Serialize(events));
        }
    }

    private void Publish(List<ChatEvent> events, bool isLast = false)
    {
        if (events.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            _events.AddRange(events);
            foreach (var delta in events.OfType<AnswerDelta>())
            {
                _text.Append(delta.Text);
            }

            _isOver = isLast;
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    [LoggerMessage(LogLevel.Error, "Run {RunId} broke.")]
    private static partial void LogBroken(ILogger logger, Exception? exception, Guid runId);

    [LoggerMessage(LogLevel.Error, "The end of run {RunId} is not durable yet.")]
    private static partial void LogNotStored(ILogger logger, Exception exception, Guid runId);
}
