using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using LlmAspire.Usage;

namespace LlmAspire.Api.Llm;

/// <summary>
/// One call to a provider from its opening to its one settle event. Whatever ends it first, settles it: the end of the
/// answer, a failure, a cancellation, or the answer being left.
/// </summary>
internal sealed partial class ProviderCall
{
    private const int LoggedErrorCharacters = 2000;

    private readonly CallContext _context;
    private readonly IUsageEventWriter _writer;
    private readonly IModelCatalog _catalog;
    private readonly TimeProvider _time;
    private readonly TimeSpan _settleTimeout;
    private readonly ILogger _logger;
    private readonly long _started;
    // Taken now: after the first yield of an async iterator the current activity is another one (dotnet/runtime#47802).
    private readonly Activity? _activity = Activity.Current;
    private readonly TaskCompletionSource<SettledCall> _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int _settling;
    private TimeSpan? _firstContent;
    private string? _gatewayCallId;
    private string? _deploymentId;
    private int? _retries;
    private int? _fallbacks;

    public ProviderCall(
        CallContext context, IUsageEventWriter writer, IModelCatalog catalog, TimeProvider time, TimeSpan settleTimeout, ILogger logger)
    {
        _context = context;
        _writer = writer;
        _catalog = catalog;
        _time = time;
        _settleTimeout = settleTimeout;
        _logger = logger;
        _started = time.GetTimestamp();
        Id = Guid.CreateVersion7(time.GetUtcNow());
        // From a trace to the row; the row's trace_id is the way back.
        _activity?.SetTag("llmaspire.call.id", Id.ToString());
        context.Add(_settled.Task);
    }

    /// <summary>The id of the row, and what the gateway is told as the call's id.</summary>
    public Guid Id { get; }

    public void TakeHeaders(HttpResponseHeaders headers)
    {
        _gatewayCallId = Header(headers, "x-litellm-call-id");
        _deploymentId = Header(headers, "x-litellm-model-id");
        _retries = Number(headers, "x-litellm-attempted-retries");
        _fallbacks = Number(headers, "x-litellm-attempted-fallbacks");
    }

    public void MarkFirstContent() => _firstContent ??= _time.GetElapsedTime(_started);

    /// <summary>The answer was read to its end. Ends when that is durable.</summary>
    /// <exception cref="LedgerUnavailableException">When it is not durable in time.</exception>
    public Task CompleteAsync(AnswerReader answer)
    {
        Settle(answer.Failure is null ? UsageOutcome.Completed : UsageOutcome.Failed, answer, answer.Failure, answer.ErrorText);
        return _settled.Task;
    }

    /// <summary>The call failed before there was an answer.</summary>
    public Task FailAsync(GatewayFailure failure, string? gatewayText)
    {
        Settle(UsageOutcome.Failed, null, failure, gatewayText);
        return EndedAsync();
    }

    /// <summary>An exception ended the call: a cancellation, or a failure of the connection.</summary>
    public Task BreakAsync(AnswerReader? answer, Exception exception)
    {
        if (_context.CancelledAs is { } cancelled)
        {
            Settle(cancelled, answer, null, null);
        }
        else
        {
            Settle(UsageOutcome.Failed, answer, answer?.Failure ?? Explain(exception, answer), answer?.ErrorText ?? $"{exception.GetType().Name}: {exception.Message}");
        }

        return EndedAsync();
    }

    /// <summary>Nobody reads on. Without effect when the call is settled.</summary>
    public void Leave(AnswerReader answer)
    {
        if (_context.CancelledAs is { } cancelled)
        {
            Settle(cancelled, answer, null, null);
        }
        else if (answer.Failure is { } failure)
        {
            Settle(UsageOutcome.Failed, answer, failure, answer.ErrorText);
        }
        else
        {
            Settle(UsageOutcome.Disconnected, answer, null, null);
        }
    }

    private static GatewayFailure Explain(Exception exception, AnswerReader? answer) => exception switch
    {
        // A connect time-out is a cancellation with a time-out inside; nobody else cancelled.
        OperationCanceledException when answer is null && exception.InnerException is TimeoutException => GatewayFailure.Unreachable,
        OperationCanceledException => GatewayFailure.TimedOut,
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } => GatewayFailure.Unreachable,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError } => GatewayFailure.Unreachable,
        _ => GatewayFailure.ConnectionLost,
    };

    // The failure that ended the call is what its maker has to see; that the ledger failed too, is told by the context.
    private Task EndedAsync() => _settled.Task.ContinueWith(
        static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private void Settle(UsageOutcome outcome, AnswerReader? answer, GatewayFailure? failure, string? gatewayText)
    {
        if (Interlocked.Exchange(ref _settling, 1) == 0)
        {
            if (failure is not null)
            {
                LogFailure(_logger, Id, _context.ModelAlias, failure.Code, gatewayText?[..Math.Min(gatewayText.Length, LoggedErrorCharacters)]);
            }

            // Every exception ends in the task that the context holds.
            _ = WriteAsync(new SettledCall(Describe(outcome, answer), answer?.FinishReason, failure));
        }
    }

    private UsageEvent Describe(UsageOutcome outcome, AnswerReader? answer)
    {
        var usage = answer?.Usage;
        var deployment = _deploymentId is null ? null : _catalog.FindDeployment(_deploymentId);
        return new UsageEvent
        {
            Id = Id,
            RequestId = _context.RequestId,
            UserId = _context.UserId,
            OrgId = _context.OrgId,
            ApiKeyId = _context.ApiKeyId,
            ConversationId = _context.ConversationId,
            Operation = _context.Operation,
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
            // A usage before the finish reason was a running count: it speaks for what came until then.
            Source = usage is null ? UsageSource.None
                : answer?.FinishReason is null ? UsageSource.Partial
                : UsageSource.Provider,
            Outcome = outcome,
            // The first attempt, each retry, and at least one call for each fallback.
            Attempts = _retries is null && _fallbacks is null ? null : 1 + (_retries ?? 0) + (_fallbacks ?? 0),
            Fallbacks = _fallbacks,
            TtftMs = _firstContent is { } first ? (int)first.TotalMilliseconds : null,
            DurationMs = (int)_time.GetElapsedTime(_started).TotalMilliseconds,
            GatewayCallId = _gatewayCallId,
            RawUsage = usage?.Raw,
        };
    }

    private async Task WriteAsync(SettledCall settled)
    {
        try
        {
            // Not the token of the call: a cancelled call is settled like any other.
            using var patience = new CancellationTokenSource(_settleTimeout, _time);
            await _writer.WriteAsync(settled.Usage, patience.Token);
            _settled.SetResult(settled);
        }
        catch (Exception exception)
        {
            LogNotDurable(_logger, exception, Id);
            _settled.SetException(new LedgerUnavailableException($"The usage of call {Id} is not durable yet.", exception));
        }
    }

    private static string? Header(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static int? Number(HttpResponseHeaders headers, string name) =>
        int.TryParse(Header(headers, name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    [LoggerMessage(LogLevel.Warning, "Call {CallId} to {Model} failed with {Code}: {Reason}")]
    private static partial void LogFailure(ILogger logger, Guid callId, string model, string code, string? reason);

    [LoggerMessage(LogLevel.Error, "The usage of call {CallId} is not durable yet.")]
    private static partial void LogNotDurable(ILogger logger, Exception exception, Guid callId);
}
