using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net.Http.Headers;
using LlmAspire.Api.Llm.Wire;
using LlmAspire.Api.Plans;
using LlmAspire.Usage;

namespace LlmAspire.Api.Llm;

/// <summary>
/// One call to a provider from its opening to its one settle event. Whatever ends it first, settles it: the end of the
/// answer, a failure, a cancellation, or the answer being left.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Reads may still hold the token when the call is settled; without a timer there is nothing to free.")]
internal sealed partial class ProviderCall
{
    private readonly CallAccounting _accounting;
    private readonly CallContext _context;
    private readonly ProviderRequest _request;
    private readonly long _started;
    // Taken now: after the first yield of an async iterator the current activity is another one (dotnet/runtime#47802).
    private readonly Activity? _activity = Activity.Current;
    private readonly TaskCompletionSource<SettledCall> _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _life = new();
    private readonly CallWatch _watch;

    private int _settling;
    private ITimer? _drainDeadline;
    private GatewayFailure? _cut;
    private long _lastContent;
    private TimeSpan? _firstContent;
    private GatewayAnswerHeaders _headers = GatewayAnswerHeaders.None;
    private volatile AnswerFacts? _answer;
    private volatile bool _isSent;
    private bool _isAbandoned;

    public ProviderCall(CallContext context, ProviderRequest request, CallAccounting accounting)
    {
        (_context, _request, _accounting) = (context, request, accounting);
        _started = accounting.Time.GetTimestamp();
        _watch = new CallWatch(this, accounting, _started);
        Id = Guid.CreateVersion7(accounting.Time.GetUtcNow());
        Ended = _settled.Task.ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        // From a trace to the row; the row's trace_id is the way back.
        _activity?.SetTag("llmaspire.call.id", Id.ToString());
    }

    /// <summary>The id of the row, and what the gateway is told as the call's id.</summary>
    public Guid Id { get; }

    /// <summary>
    /// Cancelled when the call is cut: by the silence of the gateway, the end of this process, or because nobody wants the answer. Not with the
    /// caller, whose going need not end the call.
    /// </summary>
    public CancellationToken Life => _life.Token;

    /// <summary>The calls of a tool loop are of one request: the first is the chat, those that follow the results of tools are its tools'.</summary>
    private UsageOperation Operation => _context.Operation == UsageOperation.Chat && _request.FollowsTools ? UsageOperation.Tool : _context.Operation;

    /// <summary>What was asked for.</summary>
    public ProviderRequest Request => _request;

    /// <summary>The alias that was asked for.</summary>
    public string ModelAlias => _context.ModelAlias;

    /// <summary>Whether something has ended it.</summary>
    public bool IsSettling => Volatile.Read(ref _settling) != 0;

    /// <summary>Ends when the call is settled, durably or not; never fails.</summary>
    public Task Ended { get; }

    /// <summary>Writes the call down, before anything is sent. From then on it is settled, whatever happens.</summary>
    /// <exception cref="CallRefusedException">The call must not be made.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        // Before the question whether the service stops: either the answer is yes, or the end of the service waits for this call.
        _accounting.Active.Add(this);
        try
        {
            if (_accounting.Active.IsStopping)
            {
                throw new CallRefusedException(GatewayFailure.ServerStopping);
            }

            await _accounting.Opener.OpenAsync(
                new OpenCall
                {
                    Id = Id,
                    RequestId = _context.RequestId,
                    UserId = _context.UserId,
                    OrgId = _context.OrgId,
                    ApiKeyId = _context.ApiKeyId,
                    ConversationId = _context.ConversationId,
                    Operation = Operation,
                    Traceparent = _activity?.Id,
                    ModelAlias = _context.ModelAlias,
                    ReservedPromptTokens = _request.PromptBound,
                    ReservedCompletionTokens = _request.OutputCap,
                    AllowanceLimit = _context.AllowanceLimit,
                },
                cancellationToken);
        }
        catch (Exception exception)
        {
            // There is nothing to settle, and the context never hears of it.
            _settled.SetCanceled(CancellationToken.None);
            var failure = exception switch
            {
                LedgerUnavailableException unavailable => GatewayFailure.LedgerUnavailable(unavailable.RetryAfter),
                AllowanceExceededException exceeded => PlanProblems.AllowanceExceeded(exceeded, _accounting.Time.GetUtcNow()),
                _ => null,
            };
            if (failure is null)
            {
                throw;
            }

            LogRefused(_accounting.Logger, Id, exception.Message);
            throw new CallRefusedException(failure, exception);
        }

        _context.Add(_settled.Task);
        _watch.Start();
    }

    /// <summary>The request went out: from now on a provider may work.</summary>
    public void MarkSent() => _isSent = true;

    /// <summary>The answer is given up by its reader without a word. Unless a caller left, that is a failure of ours.</summary>
    public void MarkAbandoned() => _isAbandoned = true;

    /// <summary>From now on the gateway may be silent for as long as it may.</summary>
    public void AwaitBytes() => _watch.AwaitBytes();

    /// <summary>Bytes came. Until more are waited for, the silence is that of their reader.</summary>
    public void TakeBytes() => _watch.TakeBytes();

    /// <summary>Ends the call, with a reason that is not its caller's. The first one stands.</summary>
    public void Cut(GatewayFailure reason)
    {
        Interlocked.CompareExchange(ref _cut, reason, null);
        End();
    }

    /// <summary>Ends the call without a reason of its own.</summary>
    public void End() => _life.Cancel();

    /// <summary>The call goes on without its caller, but not for ever.</summary>
    public void LimitDrain() => _drainDeadline ??= _accounting.Time.CreateTimer(
        static call => ((ProviderCall)call!).End(), this, _accounting.Options.Value.DrainTimeout, Timeout.InfiniteTimeSpan);

    /// <summary>The answer begins.</summary>
    /// <param name="answer">What is read of it; null for an error.</param>
    public void Begin(HttpResponseHeaders headers, AnswerFacts? answer)
    {
        AwaitBytes();
        (_headers, _answer) = (GatewayAnswerHeaders.Read(headers), answer);
    }

    public void MarkContent()
    {
        var now = _accounting.Time.GetTimestamp();
        var (isFirst, since) = _firstContent is null ? (true, _started) : (false, _lastContent);
        var elapsed = _accounting.Time.GetElapsedTime(since, now);
        _firstContent ??= elapsed;
        _lastContent = now;
        try
        {
            if (isFirst)
            {
                _accounting.Metrics.FirstToken(_context.ModelAlias, elapsed);
            }
            else
            {
                _accounting.Metrics.Gap(_context.ModelAlias, elapsed);
            }
        }
        catch (Exception exception)
        {
            // Whoever listens to the metrics must not break an answer.
            Try(() => LogUntold(_accounting.Logger, exception, Id));
        }
    }

    /// <summary>The answer was read to its end. Ends when that is durable.</summary>
    /// <exception cref="LedgerUnavailableException">When it is not durable in time.</exception>
    public Task CompleteAsync(AnswerFacts answer)
    {
        Settle(new CallEnd(answer.Failure is null ? UsageOutcome.Completed : UsageOutcome.Failed, answer, answer.Failure, answer.ErrorText));
        return _settled.Task;
    }

    /// <summary>The answer that nobody waited for was read to its end: the call is what its caller left, with the usage of the whole.</summary>
    public void CompleteDrained(AnswerFacts answer) => Settle(Left(answer));

    /// <summary>The gateway answered with an error, before there was an answer.</summary>
    public Task FailAsync(GatewayFailure failure, string? gatewayText)
    {
        Settle(new CallEnd(UsageOutcome.Failed, null, failure, gatewayText) { WasServed = false });
        return Ended;
    }

    /// <summary>An exception ended the call: it was cut, or the connection failed.</summary>
    public Task BreakAsync(AnswerFacts? answer, Exception exception)
    {
        if (_cut is null && _context.CancelledAs is { } cancelled)
        {
            Settle(new CallEnd(cancelled, answer, null, null) { WasServed = _isSent });
            return Ended;
        }

        var failure = _cut ?? answer?.Failure ?? Explain(exception, answer);
        Settle(new CallEnd(UsageOutcome.Failed, answer, failure, answer?.ErrorText ?? $"{exception.GetType().Name}: {exception.Message}")
        {
            WasServed = _isSent && failure != GatewayFailure.Unreachable,
        });
        return Ended;
    }

    /// <summary>The caller left, or the call was cut, before anything was sent.</summary>
    public void LeaveUnsent() => Settle(Left(null) with { WasServed = false });

    /// <summary>Nobody reads on, and nobody does for them. Without effect when the call is settled.</summary>
    public void Leave(AnswerFacts? answer) => Settle(Left(answer) with { WasServed = _isSent });

    /// <summary>What it is that nobody waits for the answer.</summary>
    private CallEnd Left(AnswerFacts? answer)
    {
        if (_cut is { } cut)
        {
            return new CallEnd(UsageOutcome.Failed, answer, cut, null);
        }

        if (_context.CancelledAs is { } cancelled)
        {
            return new CallEnd(cancelled, answer, null, null);
        }

        return answer?.Failure is { } failure ? new CallEnd(UsageOutcome.Failed, answer, failure, answer.ErrorText)
            : _isAbandoned ? new CallEnd(UsageOutcome.Failed, answer, GatewayFailure.Abandoned, null)
            : new CallEnd(UsageOutcome.Disconnected, answer, null, null);
    }

    /// <summary>Nothing settles it although its time is over, as when nobody reads or leaves its answer. What it holds is given back.</summary>
    public void SettleOverdue()
    {
        Try(() => _accounting.Metrics.Overdue(_context.ModelAlias));
        Settle(new CallEnd(UsageOutcome.Failed, _answer, _cut ?? GatewayFailure.TimedOut, null) { WasServed = _isSent });
    }

    private static GatewayFailure Explain(Exception exception, AnswerFacts? answer) => exception switch
    {
        // A connect time-out is a cancellation with a time-out inside; nobody else cancelled.
        OperationCanceledException when answer is null && exception.InnerException is TimeoutException => GatewayFailure.Unreachable,
        OperationCanceledException => GatewayFailure.TimedOut,
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } => GatewayFailure.Unreachable,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError } => GatewayFailure.Unreachable,
        _ => GatewayFailure.ConnectionLost,
    };

    /// <summary>The first end stands. Nothing may throw from here to the event: a call that is marked as settling and makes none would keep its slot and its reserve for ever.</summary>
    private void Settle(CallEnd end)
    {
        if (Interlocked.Exchange(ref _settling, 1) == 0)
        {
            // Every exception ends in the task that the context holds.
            _ = SettleAsync(end, _accounting.Time.GetElapsedTime(_started));
        }
    }

    private async Task SettleAsync(CallEnd end, TimeSpan duration)
    {
        var begun = _accounting.Time.GetTimestamp();
        try
        {
            // The timers have nothing to watch any more.
            _watch.Dispose();
            _drainDeadline?.Dispose();
            Try(() => LogEnd(end));
            var settlement = new CallSettlement(_accounting, _context, _request, new CallFrame(Id, Operation, _activity?.Id, _headers, duration, _firstContent));
            var rows = await settlement.DescribeAsync(end);
            // Not the token of the call: a cancelled call is settled like any other.
            using var patience = new CancellationTokenSource(_accounting.Options.Value.SettleTimeout, _accounting.Time);
            await WriteAsync(rows, patience.Token);
            Try(() => rows.ForEach(row => _accounting.Metrics.Settled(row, _accounting.Time.GetElapsedTime(begun))));
            _settled.SetResult(new SettledCall(rows[^1], end.Answer?.FinishReason, end.Failure) { Rows = rows });
        }
        catch (Exception exception)
        {
            Try(() => LogNotDurable(_accounting.Logger, exception, Id));
            _settled.TrySetException(new LedgerUnavailableException($"The usage of call {Id} is not durable yet.", exception));
        }
    }

    /// <summary>The row of the opened call last: what dies before it leaves a call that is swept, and does not look whole.</summary>
    private async Task WriteAsync(List<UsageEvent> rows, CancellationToken cancellationToken)
    {
        await Task.WhenAll(rows.Skip(1).Select(row => _accounting.Writer.WriteAsync(row, cancellationToken))).WaitAsync(cancellationToken);
        await _accounting.Writer.WriteAsync(rows[0], cancellationToken).WaitAsync(cancellationToken);
    }

    private void LogEnd(CallEnd end)
    {
        if (end.Failure is { } failure)
        {
            LogFailure(_accounting.Logger, Id, _context.ModelAlias, failure.Code, end.GatewayText is null ? null : GatewayText.WithoutPrompt(end.GatewayText, _request.Body));
        }
    }

    /// <summary>What only tells of a call must not keep it from settling.</summary>
    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            try
            {
                LogUntold(_accounting.Logger, exception, Id);
            }
            catch (Exception)
            {
                // The logger itself fails: there is nobody left to tell.
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Call {CallId} was not made: {Reason}")]
    private static partial void LogRefused(ILogger logger, Guid callId, string reason);

    [LoggerMessage(LogLevel.Warning, "Call {CallId} to {Model} failed with {Code}: {Reason}")]
    private static partial void LogFailure(ILogger logger, Guid callId, string model, string code, string? reason);

    [LoggerMessage(LogLevel.Error, "Something about the end of call {CallId} could not be told; its usage is recorded.")]
    private static partial void LogUntold(ILogger logger, Exception exception, Guid callId);

    [LoggerMessage(LogLevel.Error, "The usage of call {CallId} is not durable yet.")]
    private static partial void LogNotDurable(ILogger logger, Exception exception, Guid callId);
}
