using LlmAspire.Web.Api;
using LlmAspire.Web.Chat;
using LlmAspire.Web.Models;

namespace LlmAspire.Web.Compare;

/// <summary>
/// Answers of several models to one message, as they grow. They belong to the Api: leaving the page stops none. For one page, on the circuit's dispatcher.
/// </summary>
public sealed partial class Comparison(ApiClient api, TimeProvider time, ILogger<Comparison> logger) : IDisposable
{
    private readonly Dictionary<string, ChatAnswer> _byRun = [];
    private readonly Dictionary<string, string?> _lastEvents = [];
    private CancellationTokenSource _reading = new();

    /// <summary>Raised when answers were asked for, one began or ended, or the message was refused.</summary>
    public event Action? Changed;

    /// <summary>What was asked; null before.</summary>
    public string? Message { get; private set; }

    /// <summary>In the order in which the models were chosen.</summary>
    public IReadOnlyList<ChatAnswer> Answers { get; private set; } = [];

    /// <summary>Where the answers are branches; null until the Api said so.</summary>
    public Guid? ConversationId { get; private set; }

    /// <summary>Why the message was refused; null when it was not.</summary>
    public Problem? Problem { get; private set; }

    /// <summary>Whether at least one answer is under way.</summary>
    public bool Answering => Answers.Any(answer => answer.State == AnswerState.Streaming);

    /// <summary>Asks; completes when all have ended, well or not. Answers of before are shown no longer.</summary>
    public async Task AskAsync(string message, IReadOnlyList<ModelInfo> models)
    {
        StopReading();
        var token = _reading.Token;
        (Message, ConversationId, Problem, Answers) = (message, null, null, [.. models.Select(model => new ChatAnswer(model.Id))]);
        using var trace = ChatTelemetry.Start(ChatTelemetry.CompareSpan, null);
        foreach (var answer in Answers)
        {
            answer.Traced(trace.TraceId);
        }

        Changed?.Invoke();
        try
        {
            await foreach (var item in api.StreamCompareAsync(new CompareRequest(message, [.. models.Select(model => model.Id)]), token))
            {
                Apply(item.Data, item.EventId);
            }
        }
        catch (ApiException exception) when (ConversationId is null)
        {
            LogRefused(logger, exception.Problem.Status, exception.Problem.Code, exception.Problem.TraceId);
            (Problem, Answers) = (exception.Problem, []);
            Changed?.Invoke();
        }
        catch (ApiException exception)
        {
            LogBroken(logger, exception.Problem.Status, exception.Problem.Code, exception.Problem.TraceId);
            await Task.WhenAll(_byRun.Where(one => one.Value.State == AnswerState.Streaming).Select(one => FollowAsync(one.Key, one.Value, token)));
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
        }
    }

    /// <summary>Asks the Api to stop an answer that is under way. It ends when the Api says so.</summary>
    public async Task StopAsync(ChatAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        if (answer is not { State: AnswerState.Streaming, Stopping: false, RunId: { } run })
        {
            return;
        }

        answer.StopRequested();
        try
        {
            await api.StopRunAsync(run, _reading.Token);
        }
        catch (ApiException exception)
        {
            LogStopFailed(logger, exception.Problem.Status, exception.Problem.Code, answer.TraceId);
        }
        catch (OperationCanceledException)
        {
            // The page is left.
        }
    }

    public void Dispose() => _reading.Dispose();

    /// <summary>Stops reading; the answers go on at the Api.</summary>
    public void StopReading()
    {
        _reading.Cancel();
        _reading.Dispose();
        _reading = new CancellationTokenSource();
        _byRun.Clear();
        _lastEvents.Clear();
    }

    private void Apply(CompareEvent next, string? id)
    {
        switch (next)
        {
            case ComparisonStarted started:
                ConversationId = started.ConversationId;
                foreach (var (run, answer) in started.Runs.Zip(Answers))
                {
                    _byRun[run.RunId] = answer;
                    answer.Started(new RunStarted(run.RunId, 1, null, started.ConversationId, null, run.MessageId, run.Model, null));
                }

                Changed?.Invoke();
                break;
            case ComparedEvent compared when _byRun.TryGetValue(compared.RunId, out var answer):
                Apply(compared.Event, compared.RunId, answer, id);
                break;
        }
    }

    private void Apply(ChatEvent next, string run, ChatAnswer answer, string? id)
    {
        _lastEvents[run] = id ?? _lastEvents.GetValueOrDefault(run);
        switch (next)
        {
            case RunStarted started:
                answer.Started(started);
                break;
            case TextDelta delta:
                answer.Append(delta.Text);
                break;
            case TextReset reset:
                answer.Reset(reset);
                break;
            case ToolCall call:
                answer.Take(call);
                break;
            case CallUsage usage:
                answer.Add(usage);
                break;
            case AnswerDone done:
                answer.Done(done.FinishReason);
                Changed?.Invoke();
                break;
            case AnswerFailed failed:
                answer.Failed(failed.Problem);
                Changed?.Invoke();
                break;
        }
    }

    /// <summary>Reads an answer by itself, where the stream of all was cut off.</summary>
    private async Task FollowAsync(string run, ChatAnswer answer, CancellationToken cancellationToken)
    {
        answer.Connected(false);
        ApiException? broken = null;
        foreach (var pause in ChatSession.ReconnectPauses)
        {
            try
            {
                await Task.Delay(pause, time, cancellationToken);
                await foreach (var item in api.FollowRunAsync(run, _lastEvents.GetValueOrDefault(run), cancellationToken))
                {
                    answer.Connected(true);
                    Apply(item.Data, run, answer, item.EventId);
                }

                return;
            }
            catch (ApiException exception)
            {
                broken = exception;
                answer.Connected(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
        }

        answer.Failed(broken!.Problem);
        Changed?.Invoke();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A comparison was refused: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogRefused(ILogger logger, int? status, string? code, string? traceId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The stream of a comparison broke: status {Status}, code {Code}, trace {TraceId}. Its answers are read one by one.")]
    private static partial void LogBroken(ILogger logger, int? status, string? code, string? traceId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A run could not be stopped: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogStopFailed(ILogger logger, int? status, string? code, string? traceId);
}
