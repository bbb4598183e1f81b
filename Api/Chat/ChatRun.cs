using System.Net.ServerSentEvents;
using System.Threading.Channels;
using LlmAspire.Api.Llm;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Chat;

/// <summary>
/// One answer being made: calls the model and turns what comes into events. It ends in <c>done</c> or <c>error</c>, after
/// every call it made is durable in the ledger.
/// </summary>
internal sealed partial class ChatRun : IAsyncDisposable
{
    // A run is made once; the number is in the event ids so that they stay unique when runs can be taken up again.
    private const int Attempt = 1;

    private static readonly GatewayFailure LedgerUnavailable = new(
        StatusCodes.Status503ServiceUnavailable, "ledger_unavailable", "The usage of this answer could not be recorded yet.",
        "What you read is what the model said. Try again in a minute.", TimeSpan.FromMinutes(1));

    private static readonly GatewayFailure Internal = new(
        StatusCodes.Status500InternalServerError, "internal_error", "Something failed on the server.",
        "Try again. If it stays, tell the operator the trace id.");

    private readonly CallContext _context;
    private readonly string _traceId;
    private readonly ILogger _logger;
    private readonly Channel<SseItem<ChatEvent>> _events = Channel.CreateUnbounded<SseItem<ChatEvent>>(new() { SingleReader = true, SingleWriter = true });
    private readonly TaskCompletionSource<GatewayFailure?> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _cancellation = new();
    private int _sequence;
    private Task _execution = Task.CompletedTask;

    public ChatRun(Guid id, CallContext context, string traceId, ILogger logger)
    {
        Id = id;
        _context = context;
        _traceId = traceId;
        _logger = logger;
        Emit(new RunStarted(id, context.RequestId, context.ConversationId, context.ModelAlias, traceId));
    }

    public Guid Id { get; }

    public Guid UserId => _context.UserId;

    /// <summary>Ends when the model began to answer, with null, or when the run failed before that, with the failure.</summary>
    public Task<GatewayFailure?> Started => _started.Task;

    public void Start(IChatClient client, IEnumerable<ChatMessage> messages, ChatOptions options) =>
        _execution = ExecuteAsync(client, messages, options);

    /// <summary>The events from the first on, as they come. For one reader.</summary>
    public IAsyncEnumerable<SseItem<ChatEvent>> ReadEventsAsync() => _events.Reader.ReadAllAsync();

    /// <summary>Ends the run early. Without effect when it is over.</summary>
    /// <param name="reason"><see cref="UsageOutcome.Stopped"/> or <see cref="UsageOutcome.Disconnected"/>.</param>
    public Task CancelAsync(UsageOutcome reason)
    {
        _context.MarkCancelled(reason);
        return _cancellation.CancelAsync();
    }

    /// <summary>Waits until the run is over and settled; one that is not read to its end is cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_execution.IsCompleted)
        {
            await CancelAsync(UsageOutcome.Disconnected);
        }

        await _execution;
        _cancellation.Dispose();
    }

    private async Task ExecuteAsync(IChatClient client, IEnumerable<ChatMessage> messages, ChatOptions options)
    {
        Exception? broken = null;
        try
        {
            using var scope = _context.Enter();
            await foreach (var update in client.GetStreamingResponseAsync(messages, options, _cancellation.Token))
            {
                _started.TrySetResult(null);
                if (update.Text is { Length: > 0 } text)
                {
                    Emit(new AnswerDelta(text));
                }
            }
        }
        catch (Exception exception)
        {
            // What it means is told by the calls, which know more than the SDK says.
            broken = exception;
        }

        var failure = await EndAsync(broken);
        _started.TrySetResult(failure);
        _events.Writer.Complete();
    }

    private async Task<GatewayFailure?> EndAsync(Exception? broken)
    {
        SettledCall[] calls;
        try
        {
            calls = await _context.WhenSettledAsync();
        }
        catch (LedgerUnavailableException)
        {
            return Fail(LedgerUnavailable);
        }

        foreach (var call in calls)
        {
            Emit(CallUsage.From(call.Usage, _traceId));
        }

        if (_context.CancelledAs is not null && (broken is not null || calls is [.., { Usage.Outcome: UsageOutcome.Stopped or UsageOutcome.Disconnected }]))
        {
            Emit(new RunDone(RunDone.Stopped));
            return null;
        }

        // A call was not made; those before it, of the same run, are settled.
        if (broken is CallRefusedException refused)
        {
            return Fail(refused.Failure);
        }

        // The SDK swallows an error event and an end without finish reason; the call does not.
        if (calls is [.., { Failure: { } failure }])
        {
            return Fail(failure);
        }

        if (broken is not null || calls is not [.., { FinishReason: { } reason }])
        {
            LogBroken(_logger, broken, Id);
            return Fail(Internal);
        }

        Emit(new RunDone(reason));
        return null;
    }

    private GatewayFailure Fail(GatewayFailure failure)
    {
        Emit(RunError.From(failure, _traceId));
        return failure;
    }

    private void Emit(ChatEvent data) =>
        _events.Writer.TryWrite(new SseItem<ChatEvent>(data, data.EventType) { EventId = $"{Id}:{Attempt}:{++_sequence}" });

    [LoggerMessage(LogLevel.Error, "Run {RunId} broke.")]
    private static partial void LogBroken(ILogger logger, Exception? exception, Guid runId);
}
