using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
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
    private const long NotAwaited = long.MinValue;

    /// <summary>Providers whose usage always has details: LiteLLM's own guess has none.</summary>
    private static readonly HashSet<string> AlwaysDetailed = ["openai", "azure", "anthropic", "gemini", "vertex_ai"];

    private readonly CallAccounting _accounting;
    private readonly CallContext _context;
    private readonly ProviderRequest _request;
    private readonly long _started;
    // Taken now: after the first yield of an async iterator the current activity is another one (dotnet/runtime#47802).
    private readonly Activity? _activity = Activity.Current;
    private readonly TaskCompletionSource<SettledCall> _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _life = new();
    private readonly ITimer _silence;

    private int _settling;
    private long _awaitedSince;
    private ITimer? _drainDeadline;
    private GatewayFailure? _cut;
    private long _lastContent;
    private TimeSpan? _firstContent;
    private string? _gatewayCallId;
    private string? _deploymentId;
    private bool _isLiteLlm;
    private int? _retries;
    private int? _fallbacks;

    public ProviderCall(CallContext context, ProviderRequest request, CallAccounting accounting)
    {
        (_context, _request, _accounting) = (context, request, accounting);
        _started = accounting.Time.GetTimestamp();
        _silence = accounting.Time.CreateTimer(static call => ((ProviderCall)call!).CheckSilence(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
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

    /// <summary>How many answers are asked for in one.</summary>
    public int Choices => _request.Choices;

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
        AwaitBytes();
        WatchSilence(_accounting.Gateway.Value.AnswerTimeout);
    }

    /// <summary>From now on the gateway may be silent for as long as it may.</summary>
    public void AwaitBytes() => Volatile.Write(ref _awaitedSince, _accounting.Time.GetTimestamp());

    /// <summary>Bytes came. Until more are waited for, the silence is that of their reader.</summary>
    public void TakeBytes() => Volatile.Write(ref _awaitedSince, NotAwaited);

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

    public void TakeHeaders(HttpResponseHeaders headers)
    {
        AwaitBytes();
        _gatewayCallId = Header(headers, "x-litellm-call-id");
        _deploymentId = Header(headers, "x-litellm-model-id");
        _isLiteLlm = Header(headers, "x-litellm-version") is not null;
        _retries = Number(headers, "x-litellm-attempted-retries");
        _fallbacks = Number(headers, "x-litellm-attempted-fallbacks");
    }

    public void MarkContent()
    {
        var now = _accounting.Time.GetTimestamp();
        if (_firstContent is null)
        {
            _firstContent = _accounting.Time.GetElapsedTime(_started, now);
            _accounting.Metrics.FirstToken(_context.ModelAlias, _firstContent.Value);
        }
        else
        {
            _accounting.Metrics.Gap(_context.ModelAlias, _accounting.Time.GetElapsedTime(_lastContent, now));
        }

        _lastContent = now;
    }

    /// <summary>The answer was read to its end. Ends when that is durable.</summary>
    /// <exception cref="LedgerUnavailableException">When it is not durable in time.</exception>
    public Task CompleteAsync(AnswerReader answer)
    {
        Settle(answer.Failure is null ? UsageOutcome.Completed : UsageOutcome.Failed, answer, answer.Failure, answer.ErrorText, wasServed: true);
        return _settled.Task;
    }

    /// <summary>The answer that nobody waited for was read to its end: the call is what its caller left, with the usage of the whole.</summary>
    public void CompleteDrained(AnswerReader answer) => Settle(Left, answer, null, null, wasServed: true);

    /// <summary>The gateway answered with an error, before there was an answer.</summary>
    public Task FailAsync(GatewayFailure failure, string? gatewayText)
    {
        Settle(UsageOutcome.Failed, null, failure, gatewayText, wasServed: false);
        return Ended;
    }

    /// <summary>An exception ended the call: it was cut, or the connection failed.</summary>
    public Task BreakAsync(AnswerReader? answer, Exception exception)
    {
        if (_cut is null && _context.CancelledAs is { } cancelled)
        {
            Settle(cancelled, answer, null, null, wasServed: true);
            return Ended;
        }

        var failure = _cut ?? answer?.Failure ?? Explain(exception, answer);
        Settle(
            UsageOutcome.Failed,
            answer,
            failure,
            answer?.ErrorText ?? $"{exception.GetType().Name}: {exception.Message}",
            wasServed: failure != GatewayFailure.Unreachable);
        return Ended;
    }

    /// <summary>The caller left, or the call was cut, before anything was sent.</summary>
    public void LeaveUnsent() => Settle(_cut is null ? Left : UsageOutcome.Failed, null, _cut, null, wasServed: false);

    /// <summary>Nobody reads on, and nobody does for them. Without effect when the call is settled.</summary>
    public void Leave(AnswerReader? answer)
    {
        if (_cut is { } cut)
        {
            Settle(UsageOutcome.Failed, answer, cut, null, wasServed: true);
        }
        else if (_context.CancelledAs is null && answer?.Failure is { } failure)
        {
            Settle(UsageOutcome.Failed, answer, failure, answer.ErrorText, wasServed: true);
        }
        else
        {
            Settle(Left, answer, null, null, wasServed: true);
        }
    }

    /// <summary>Every read sets the time anew, a timer is set only when it has run off: bytes may come a thousand times a second.</summary>
    private void CheckSilence()
    {
        var since = Volatile.Read(ref _awaitedSince);
        var left = _accounting.Gateway.Value.AnswerTimeout - (since == NotAwaited ? TimeSpan.Zero : _accounting.Time.GetElapsedTime(since));
        if (left <= TimeSpan.Zero)
        {
            End();
        }
        else if (!IsSettling)
        {
            WatchSilence(left);
        }
    }

    private void WatchSilence(TimeSpan time) => _silence.Change(time, Timeout.InfiniteTimeSpan);

    private UsageOutcome Left => _context.CancelledAs ?? UsageOutcome.Disconnected;

    private static GatewayFailure Explain(Exception exception, AnswerReader? answer) => exception switch
    {
        // A connect time-out is a cancellation with a time-out inside; nobody else cancelled.
        OperationCanceledException when answer is null && exception.InnerException is TimeoutException => GatewayFailure.Unreachable,
        OperationCanceledException => GatewayFailure.TimedOut,
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } => GatewayFailure.Unreachable,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError } => GatewayFailure.Unreachable,
        _ => GatewayFailure.ConnectionLost,
    };

    /// <param name="wasServed">Whether a provider may have worked: then usage that nobody reported is estimated.</param>
    private void Settle(UsageOutcome outcome, AnswerReader? answer, GatewayFailure? failure, string? gatewayText, bool wasServed)
    {
        if (Interlocked.Exchange(ref _settling, 1) == 0)
        {
            if (failure is not null)
            {
                LogFailure(_accounting.Logger, Id, _context.ModelAlias, failure.Code, gatewayText is null ? null : GatewayText.WithoutPrompt(gatewayText, _request.Body));
            }

            // The timers have nothing to watch any more.
            _silence.Dispose();
            _drainDeadline?.Dispose();
            // Every exception ends in the task that the context holds.
            _ = SettleAsync(outcome, answer, failure, wasServed, _accounting.Time.GetElapsedTime(_started));
        }
    }

    private async Task SettleAsync(UsageOutcome outcome, AnswerReader? answer, GatewayFailure? failure, bool wasServed, TimeSpan duration)
    {
        var begun = _accounting.Time.GetTimestamp();
        try
        {
            var usage = Describe(outcome, answer, duration);
            if (wasServed && !IsTold(answer))
            {
                // It takes its milliseconds: not those of whoever passes bytes.
                usage = await Task.Run(() => Estimate(usage, answer));
            }

            // Not the token of the call: a cancelled call is settled like any other.
            using var patience = new CancellationTokenSource(_accounting.Options.Value.SettleTimeout, _accounting.Time);
            await _accounting.Writer.WriteAsync(usage, patience.Token);
            _accounting.Metrics.Settled(usage, _accounting.Time.GetElapsedTime(begun));
            _settled.SetResult(new SettledCall(usage, answer?.FinishReason, failure));
        }
        catch (Exception exception)
        {
            LogNotDurable(_accounting.Logger, exception, Id);
            _settled.SetException(new LedgerUnavailableException($"The usage of call {Id} is not durable yet.", exception));
        }
    }

    private UsageEvent Describe(UsageOutcome outcome, AnswerReader? answer, TimeSpan duration)
    {
        var usage = answer?.Usage;
        var deployment = _deploymentId is null ? null : _accounting.Catalog.FindDeployment(_deploymentId);
        var switches = Math.Max((answer?.ChunkIds.Count ?? 0) - 1, 0);
        int? fallbacks = _fallbacks is null && switches == 0 ? null : Math.Max(_fallbacks ?? 0, switches);
        return new UsageEvent
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
            Provider = deployment?.Provider,
            ServedModel = deployment?.Model,
            PromptTokens = usage?.PromptTokens ?? 0,
            CompletionTokens = usage?.CompletionTokens ?? 0,
            CachedPromptTokens = usage?.CachedPromptTokens,
            CacheWriteTokens = usage?.CacheWriteTokens,
            ReasoningTokens = usage?.ReasoningTokens,
            AudioPromptTokens = usage?.AudioPromptTokens,
            AudioCompletionTokens = usage?.AudioCompletionTokens,
            Source = usage is null ? UsageSource.None
                // A usage before the finish reason was a running count: it speaks for what came until then. After a fallback it speaks for the second
                // provider.
                : !answer!.IsFinished || switches > 0 ? UsageSource.Partial
                : IsGuess(answer, usage, deployment) ? UsageSource.Estimated
                : UsageSource.Provider,
            Outcome = outcome,
            // The first attempt, each retry, and at least one call for each fallback.
            Attempts = _retries is null && fallbacks is null ? null : 1 + (_retries ?? 0) + (fallbacks ?? 0),
            Fallbacks = fallbacks,
            TtftMs = _firstContent is { } first ? (int)first.TotalMilliseconds : null,
            DurationMs = (int)duration.TotalMilliseconds,
            GatewayCallId = _gatewayCallId,
            RawUsage = Raw(answer, switches),
        };
    }

    /// <summary>
    /// When a provider's stream breaks, LiteLLM may end it like any other, with usage of its own making (BerriAI/litellm#33404, #42085). It
    /// lacks the details that the provider always sends.
    /// </summary>
    private bool IsGuess(AnswerReader answer, ProviderUsage usage, Deployment? deployment) =>
        _isLiteLlm && answer.IsStreamed && !usage.HasDetails && deployment?.Provider is { } provider && AlwaysDetailed.Contains(provider);

    /// <summary>The usage as it came; with the ids of the chunks when several providers spoke.</summary>
    private static JsonElement? Raw(AnswerReader? answer, int switches)
    {
        if (switches == 0)
        {
            return answer?.Usage?.Raw;
        }

        var ids = new JsonArray([.. answer!.ChunkIds.Select(id => JsonValue.Create(id))]);
        var raw = new JsonObject { ["usage"] = answer.Usage is { } usage ? JsonNode.Parse(usage.Raw.GetRawText()) : null, ["chunk_ids"] = ids };
        return JsonElement.Parse(raw.ToJsonString());
    }

    /// <summary>Whether the answer's usage speaks for all that came.</summary>
    private static bool IsTold(AnswerReader? answer) =>
        answer is { Usage: { PromptTokens: not null, CompletionTokens: not null } } && (answer.IsFinished || !answer.HasTextAfterUsage);

    /// <summary>Puts estimates where the provider said nothing, or too little: a running count that text followed is a lower bound.</summary>
    private UsageEvent Estimate(UsageEvent usage, AnswerReader? answer)
    {
        var told = answer?.Usage;
        var (prompt, completion) = _accounting.Estimator.Estimate(usage.ServedModel ?? usage.ModelAlias, _request.Body, answer?.Text);
        var promptTokens = told?.PromptTokens ?? prompt;
        var completionTokens = told?.CompletionTokens is { } count
            ? answer!.IsFinished ? count : Math.Max(count, completion)
            : completion;
        return told is not null && (promptTokens, completionTokens) == (told.PromptTokens, told.CompletionTokens)
            ? usage
            : usage with { PromptTokens = promptTokens, CompletionTokens = completionTokens, Source = UsageSource.Estimated };
    }

    private static string? Header(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static int? Number(HttpResponseHeaders headers, string name) =>
        int.TryParse(Header(headers, name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    [LoggerMessage(LogLevel.Warning, "Call {CallId} was not made: {Reason}")]
    private static partial void LogRefused(ILogger logger, Guid callId, string reason);

    [LoggerMessage(LogLevel.Warning, "Call {CallId} to {Model} failed with {Code}: {Reason}")]
    private static partial void LogFailure(ILogger logger, Guid callId, string model, string code, string? reason);

    [LoggerMessage(LogLevel.Error, "The usage of call {CallId} is not durable yet.")]
    private static partial void LogNotDurable(ILogger logger, Exception exception, Guid callId);
}
