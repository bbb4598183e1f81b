using System.Diagnostics.CodeAnalysis;
using LlmAspire.Web.Api;
using LlmAspire.Web.Models;

namespace LlmAspire.Web.Chat;

/// <summary>The conversation in one browser tab. One a circuit; used on the circuit's dispatcher only.</summary>
public sealed partial class ChatSession(ApiClient api, TimeProvider time, ILogger<ChatSession> logger) : IDisposable
{
    /// <summary>How long the Api may take to end a stopped run's stream before the page stops reading it.</summary>
    internal static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(10);

    private readonly List<ChatExchange> _exchanges = [];
    private string? _conversationId;
    private Run? _run;

    /// <summary>Raised when an exchange was added or removed, or an answer began or ended.</summary>
    public event Action? Changed;

    public IReadOnlyList<ChatExchange> Exchanges => _exchanges;

    /// <summary>Whether an answer is under way: Stop is possible, another message is not.</summary>
    [MemberNotNullWhen(true, nameof(_run))]
    public bool Answering => _run is not null;

    /// <summary>Sends a message; completes when its answer has ended, well or not.</summary>
    /// <exception cref="InvalidOperationException">An answer is under way.</exception>
    public Task SendAsync(string message, ModelInfo? model)
    {
        ThrowIfAnswering();
        var exchange = new ChatExchange(message, model?.Id, model?.Name);
        _exchanges.Add(exchange);
        return AnswerAsync(exchange);
    }

    /// <summary>Sends the message of a failed exchange again, to the model chosen now; completes like <see cref="SendAsync"/>.</summary>
    /// <exception cref="InvalidOperationException">An answer is under way.</exception>
    public Task RetryAsync(ChatExchange exchange, ModelInfo? model)
    {
        ThrowIfAnswering();
        exchange.Answer = new ChatAnswer();
        exchange.Model = model?.Id;
        exchange.ModelName = model?.Name;
        return AnswerAsync(exchange);
    }

    /// <summary>Asks the Api to stop the answer. It ends when the Api says so, or after <see cref="StopGrace"/>.</summary>
    public async Task StopAsync()
    {
        if (_run is not { StopRequested: false } run)
        {
            return;
        }

        run.StopRequested = true;
        run.Answer.StopRequested();
        run.Cancellation.CancelAfter(StopGrace);
        Changed?.Invoke();
        if (run.Answer.RunId is { } runId)
        {
            await RequestStopAsync(run, runId);
        }
    }

    /// <summary>Stops the answer and forgets the conversation.</summary>
    public Task NewChatAsync()
    {
        var stopping = StopAsync();
        _run = null; // it ends on its own; what it still brings belongs to nothing shown
        _exchanges.Clear();
        _conversationId = null;
        Changed?.Invoke();
        return stopping;
    }

    /// <summary>Stops reading. The run goes on at the Api: closing a tab is not Stop.</summary>
    public void Dispose()
    {
        _run?.Cancellation.Cancel();
        _run = null;
    }

    private async Task AnswerAsync(ChatExchange exchange)
    {
        var answer = exchange.Answer;
        using var trace = ChatTelemetry.StartSend(exchange.Model);
        using var cancellation = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        var run = new Run(answer, trace, cancellation);
        _run = run;
        answer.Traced(trace.TraceId);
        Changed?.Invoke();
        try
        {
            var request = new ChatRequest(_conversationId, exchange.Message, exchange.Model);
            await foreach (var next in api.StreamChatAsync(request, run.Cancellation.Token))
            {
                await ApplyAsync(next, run);
            }
        }
        catch (ApiException exception)
        {
            Fail(run, exception.Problem);
        }
        catch (OperationCanceledException) when (run.Cancellation.IsCancellationRequested)
        {
            Release(run);
            answer.StoppedUnconfirmed();
        }
        finally
        {
            Release(run);
            Changed?.Invoke();
        }
    }

    /// <summary>
    /// Makes room for the next message. Before the answer shows as ended: who sends the moment it does, must not be turned away.
    /// </summary>
    private void Release(Run run)
    {
        if (_run == run)
        {
            _run = null;
        }
    }

    private async Task ApplyAsync(ChatEvent next, Run run)
    {
        switch (next)
        {
            case RunStarted started:
                run.Answer.Started(started);
                run.Trace.Started(started);
                if (_run == run)
                {
                    _conversationId = started.ConversationId ?? _conversationId;
                }

                if (run.StopRequested)
                {
                    await RequestStopAsync(run, started.RunId);
                }

                break;
            case TextDelta delta:
                run.Answer.Append(delta.Text);
                break;
            case CallUsage usage:
                run.Answer.Add(usage);
                break;
            case AnswerDone done:
                run.Trace.Ended(done.FinishReason);
                Release(run);
                run.Answer.Done(done.FinishReason);
                break;
            case AnswerFailed failed:
                Fail(run, failed.Problem);
                break;
        }
    }

    private void Fail(Run run, Problem problem)
    {
        run.Trace.Failed(problem);
        Release(run);
        run.Answer.Failed(problem);
        LogFailed(logger, problem.Status, problem.Code, run.Answer.TraceId);
    }

    private async Task RequestStopAsync(Run run, string runId)
    {
        run.Trace.MakeCurrent();
        try
        {
            await api.StopRunAsync(runId, run.Cancellation.Token);
        }
        catch (ApiException exception)
        {
            LogStopFailed(logger, exception.Problem.Status, exception.Problem.Code, run.Answer.TraceId); // the grace ends it
        }
        catch (OperationCanceledException) when (run.Cancellation.IsCancellationRequested)
        {
        }
    }

    private void ThrowIfAnswering()
    {
        if (Answering)
        {
            throw new InvalidOperationException("An answer is under way: stop it first.");
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "An answer failed: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogFailed(ILogger logger, int? status, string? code, string? traceId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A run could not be stopped: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogStopFailed(ILogger logger, int? status, string? code, string? traceId);

    /// <summary>An answer being read.</summary>
    private sealed class Run(ChatAnswer answer, SendTrace trace, CancellationTokenSource cancellation)
    {
        public ChatAnswer Answer { get; } = answer;

        public SendTrace Trace { get; } = trace;

        public CancellationTokenSource Cancellation { get; } = cancellation;

        public bool StopRequested { get; set; }
    }
}
