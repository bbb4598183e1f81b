using LlmAspire.Web.Api;
using LlmAspire.Web.Chat;
using LlmAspire.Web.Conversations;
using LlmAspire.Web.Models;
using LlmAspire.Web.Prompts;

namespace LlmAspire.Web.Compare;

/// <summary>
/// Answers of several models to one message, as they grow. They belong to the Api: leaving the page stops none. For one page, on the circuit's dispatcher.
/// </summary>
public sealed partial class Comparison(
    ApiClient api, ConversationsClient conversations, PromptsClient prompts, TimeProvider time, ILogger<Comparison> logger) : IDisposable
{
    private readonly Dictionary<string, ChatAnswer> _byRun = [];
    private readonly Dictionary<string, string?> _lastEvents = [];
    private CancellationTokenSource _reading = new();
    private Guid? _parentId;

    /// <summary>Raised when answers were asked for, one began, ended or won, or the message was refused.</summary>
    public event Action? Changed;

    /// <summary>The conversation whose next message is asked, as often as anything is asked; null when each begins a new one.</summary>
    public Guid? Origin { get; private set; }

    /// <summary>Of <see cref="Origin"/>.</summary>
    public ConversationState State { get; private set; }

    /// <summary>The name of <see cref="Origin"/>; null when there is none.</summary>
    public string? Title { get; private set; }

    /// <summary>What was said last in <see cref="Origin"/>; null when nothing was.</summary>
    public string? Before { get; private set; }

    /// <summary>What the models are told before the first message; null for nothing.</summary>
    public ConversationPrompt? Prompt { get; private set; }

    /// <summary>What was asked; null before.</summary>
    public string? Message { get; private set; }

    /// <summary>In the order in which the models were chosen; the winner of a race before the others.</summary>
    public IReadOnlyList<ChatAnswer> Answers { get; private set; } = [];

    /// <summary>Whether the first good answer was wanted, rather than all.</summary>
    public bool IsRace { get; private set; }

    /// <summary>The first good answer; null for none, or none yet.</summary>
    public ChatAnswer? Winner { get; private set; }

    /// <summary>Milliseconds that the winner took.</summary>
    public int? WonAfterMs { get; private set; }

    /// <summary>How all ended; null until all have, and when the stream broke that would have said it.</summary>
    public ComparisonDone? End { get; private set; }

    /// <summary>Where the answers are branches; null until the Api said so.</summary>
    public Guid? ConversationId { get; private set; }

    /// <summary>Why the message was refused; null when it was not.</summary>
    public Problem? Problem { get; private set; }

    /// <summary>Whether at least one answer is under way.</summary>
    public bool Answering => Answers.Any(answer => answer.State == AnswerState.Streaming);

    /// <summary>How an answer ended; null until all have.</summary>
    public ComparedEnd? EndOf(ChatAnswer answer) => End?.Answers.FirstOrDefault(end => end.RunId == answer.RunId);

    /// <summary>Says of which conversation the next message is asked; null for a new one each time. Never fails.</summary>
    public async Task OpenAsync(Guid? conversation)
    {
        StopReading();
        var token = _reading.Token;
        (Origin, Title, Before, Prompt, _parentId) = (conversation, null, null, null, null);
        Clear();
        State = conversation is null ? ConversationState.Ready : ConversationState.Loading;
        Changed?.Invoke();
        if (conversation is not { } id)
        {
            return;
        }

        try
        {
            var found = await conversations.GetAsync(id, token);
            var last = ChatTree.From(found).Shown.LastOrDefault(exchange => exchange.Answer?.MessageId is not null)?.Answer;
            (Title, Prompt, Before, _parentId) = (found.Title, found.Prompt, last?.Text, last?.MessageId ?? id);
            State = ConversationState.Ready;
        }
        catch (ApiException exception)
        {
            LogUnread(logger, exception.Problem.Status, exception.Problem.Code, exception.Problem.TraceId);
            State = exception.Problem.Status == StatusCodes.Status404NotFound ? ConversationState.Unknown : ConversationState.Unavailable;
        }
        catch (OperationCanceledException)
        {
            return; // another one is asked, or the page is left
        }

        Changed?.Invoke();
    }

    /// <summary>Has the models told a saved prompt, or none, from the next message on.</summary>
    /// <exception cref="ApiException">It was not changed.</exception>
    public async Task ChoosePromptAsync(Guid? promptId)
    {
        Prompt = await prompts.ChooseAsync(Origin, promptId);
        Changed?.Invoke();
    }

    /// <summary>Asks; completes when all have ended, well or not. Answers of before are shown no longer.</summary>
    /// <param name="tools">Names of tools that the models may use.</param>
    public Task CompareAsync(string message, IReadOnlyList<ModelInfo> models, IReadOnlyList<string>? tools)
    {
        Begin(message, models, isRace: false);
        return ReadAsync(new CompareRequest(Origin, message, [.. models.Select(model => model.Id)], _parentId, tools, NewPrompt), ChatTelemetry.CompareSpan);
    }

    /// <summary>Asks for the first good answer; completes like <see cref="CompareAsync"/>.</summary>
    /// <param name="check">What a good answer is; null for every complete one.</param>
    public Task RaceAsync(string message, IReadOnlyList<ModelInfo> models, IReadOnlyList<string>? tools, RaceCheck? check)
    {
        Begin(message, models, isRace: true);
        return ReadAsync(new RaceRequest(Origin, message, [.. models.Select(model => model.Id)], _parentId, tools, NewPrompt, check), ChatTelemetry.RaceSpan);
    }

    private Guid? NewPrompt => Origin is null ? Prompt?.Id : null;

    private void Begin(string message, IReadOnlyList<ModelInfo> models, bool isRace)
    {
        StopReading();
        Clear();
        (Message, IsRace, Answers) = (message, isRace, [.. models.Select(model => new ChatAnswer(model.Id))]);
    }

    private void Clear()
    {
        (Message, ConversationId, Problem, Answers) = (null, null, null, []);
        (IsRace, Winner, WonAfterMs, End) = (false, null, null, null);
    }

    private async Task ReadAsync(CompareRequest request, string span)
    {
        var token = _reading.Token;
        using var trace = ChatTelemetry.Start(span, null);
        foreach (var answer in Answers)
        {
            answer.Traced(trace.TraceId);
        }

        Changed?.Invoke();
        try
        {
            await foreach (var item in api.StreamCompareAsync(request, token))
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
            case RaceWon won when _byRun.TryGetValue(won.RunId, out var best):
                (Winner, WonAfterMs, Answers) = (best, won.DurationMs, [best, .. Answers.Where(answer => answer != best)]);
                foreach (var beaten in Answers.Where(answer => answer.State == AnswerState.Streaming))
                {
                    beaten.StopRequested();
                }

                Changed?.Invoke();
                break;
            case ComparisonDone done:
                End = done;
                Changed?.Invoke();
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "A conversation to compare in cannot be read: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogUnread(ILogger logger, int? status, string? code, string? traceId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A comparison was refused: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogRefused(ILogger logger, int? status, string? code, string? traceId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The stream of a comparison broke: status {Status}, code {Code}, trace {TraceId}. Its answers are read one by one.")]
    private static partial void LogBroken(ILogger logger, int? status, string? code, string? traceId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A run could not be stopped: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogStopFailed(ILogger logger, int? status, string? code, string? traceId);
}
