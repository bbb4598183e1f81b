using System.Net.ServerSentEvents;
using LlmAspire.Web.Api;
using LlmAspire.Web.Conversations;
using LlmAspire.Web.Models;
using LlmAspire.Web.Prompts;

namespace LlmAspire.Web.Chat;

/// <summary>
/// The conversation in one browser tab. One a circuit; used on the circuit's dispatcher only. It belongs to the Api: here is what is shown of
/// it, and the answers under way are read here, whoever asked for them.
/// </summary>
public sealed partial class ChatSession(
    ApiClient api, ConversationsClient conversations, PromptsClient prompts, TimeProvider time, ILogger<ChatSession> logger) : IDisposable
{
    /// <summary>How long the Api may take to end a stopped run's stream before the page stops reading it.</summary>
    internal static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(10);

    /// <summary>Before each attempt to take up a stream that broke: a minute in all, in which a process is replaced.</summary>
    internal static readonly IReadOnlyList<TimeSpan> ReconnectPauses =
        [.. new[] { 0.25, 0.5, 1, 2, 3 }.Concat(Enumerable.Repeat(5.0, 11)).Select(TimeSpan.FromSeconds)];

    private readonly Dictionary<ChatAnswer, Run> _runs = [];
    private ChatTree _tree = new();
    private Task _storing = Task.CompletedTask;
    private int _openings;
    private bool _isOutdated;

    /// <summary>Raised when another conversation is shown, an exchange was added or removed, or an answer began or ended.</summary>
    public event Action? Changed;

    /// <summary>Raised when the first message of a conversation was taken: it has an address now.</summary>
    public event Action<Guid>? Begun;

    /// <summary>Raised when the Api has a message: it is stored there.</summary>
    public event Action? Taken;

    /// <summary>Null until the first message was taken.</summary>
    public Guid? ConversationId { get; private set; }

    public ConversationState State { get; private set; }

    /// <summary>What the model is told before the first message; null for nothing.</summary>
    public ConversationPrompt? Prompt { get; private set; }

    /// <summary>What is shown: one branch, from its beginning.</summary>
    public IReadOnlyList<ChatExchange> Exchanges { get; private set; } = [];

    /// <summary>Whether the last answer is under way: Stop is possible, another message is not.</summary>
    public bool Answering => Exchanges is [.., { Answer.State: AnswerState.Streaming }];

    /// <summary>Shows a conversation and joins the answers that are under way in it; null begins a new one. What was shown goes on at the Api.</summary>
    public async Task OpenAsync(Guid? conversationId)
    {
        if (!_isOutdated && conversationId == ConversationId && (conversationId is not null || Exchanges.Count == 0) && State is ConversationState.Ready)
        {
            return;
        }

        StopReading();
        _isOutdated = false;
        _tree = new ChatTree();
        (ConversationId, Prompt) = (conversationId, null);
        State = conversationId is null ? ConversationState.Ready : ConversationState.Loading;
        Show();
        if (conversationId is not { } id)
        {
            return;
        }

        var opening = ++_openings;
        var (tree, state, prompt) = await LoadAsync(id);
        if (opening != _openings)
        {
            return; // another one is shown
        }

        (_tree, State, Prompt) = (tree, state, prompt);
        foreach (var answer in _tree.Answers.Where(answer => answer.State == AnswerState.Streaming && answer.RunId is not null).ToList())
        {
            _ = FollowAsync(answer);
        }

        Show();
    }

    /// <summary>Something was said in a conversation elsewhere on the pages: if it is the one that is shown, it is read anew when it is opened next.</summary>
    public void Outdate(Guid conversationId) => _isOutdated |= conversationId == ConversationId;

    /// <summary>Has the conversation use a saved prompt as it is now, or none, from its next message on.</summary>
    /// <exception cref="ApiException">It was not changed.</exception>
    public async Task ChoosePromptAsync(Guid? promptId)
    {
        var opening = _openings;
        var chosen = await prompts.ChooseAsync(ConversationId, promptId);
        if (opening == _openings)
        {
            Prompt = chosen;
            Changed?.Invoke();
        }
    }

    /// <summary>Sends a message; completes when its answer has ended, well or not.</summary>
    /// <param name="tools">Names of tools that the model may use.</param>
    /// <exception cref="InvalidOperationException">An answer is under way.</exception>
    public Task SendAsync(string message, ModelInfo? model, IReadOnlyList<string>? tools = null)
    {
        ThrowIfAnswering();
        var previous = Exchanges.LastOrDefault(exchange => exchange.Answer?.MessageId is not null)?.Answer;
        return AnswerAsync(_tree.Add(message, previous), model, tools);
    }

    /// <summary>Sends another version of a message: a branch of its own. Completes like <see cref="SendAsync"/>.</summary>
    /// <inheritdoc cref="SendAsync" path="/exception"/>
    public Task EditAsync(ChatExchange exchange, string message, ModelInfo? model, IReadOnlyList<string>? tools = null)
    {
        ThrowIfAnswering();
        return AnswerAsync(_tree.Add(message, exchange.Previous), model, tools);
    }

    /// <summary>Has a message answered once more, by the model chosen now; completes like <see cref="SendAsync"/>.</summary>
    /// <inheritdoc cref="SendAsync" path="/exception"/>
    public Task RetryAsync(ChatExchange exchange, ModelInfo? model, IReadOnlyList<string>? tools = null)
    {
        ThrowIfAnswering();
        if (exchange.Answer is { MessageId: null } unsent)
        {
            exchange.Answers.Remove(unsent);
        }

        return AnswerAsync(exchange, model, tools);
    }

    /// <summary>Goes on with an answer that was stopped or interrupted; completes like <see cref="SendAsync"/>.</summary>
    /// <exception cref="InvalidOperationException">An answer is under way, or this one cannot be gone on with.</exception>
    public Task ContinueAsync(ChatAnswer answer)
    {
        ThrowIfAnswering();
        if (!answer.CanContinue)
        {
            throw new InvalidOperationException("This answer cannot be gone on with.");
        }

        answer.Resumed();
        return ReadAsync(answer, ChatTelemetry.ContinueSpan, null, token => api.ContinueRunAsync(answer.RunId!, token), isFollowing: false);
    }

    /// <summary>Shows another version of a message.</summary>
    public Task ShowAsync(ChatExchange version)
    {
        _tree.VersionsOf(version).Show(version);
        return ShownAsync();
    }

    /// <summary>Shows another answer to a message.</summary>
    public Task ShowAsync(ChatExchange exchange, ChatAnswer answer)
    {
        exchange.Answers.Show(answer);
        return ShownAsync();
    }

    /// <summary>The versions of a message, itself among them.</summary>
    public IReadOnlyList<ChatExchange> VersionsOf(ChatExchange exchange) => _tree.VersionsOf(exchange).All;

    /// <summary>Asks the Api to stop the last answer. It ends when the Api says so, or after <see cref="StopGrace"/>.</summary>
    public async Task StopAsync()
    {
        if (Exchanges is not [.., { Answer: { } answer }] || !_runs.TryGetValue(answer, out var run) || run.StopRequested)
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

    /// <summary>Stops reading. The runs go on at the Api: closing a tab is not Stop.</summary>
    public void Dispose() => StopReading();

    private void StopReading()
    {
        _openings++;
        foreach (var run in _runs.Values)
        {
            run.Cancellation.Cancel();
        }

        _runs.Clear();
    }

    private async Task<(ChatTree Tree, ConversationState State, ConversationPrompt? Prompt)> LoadAsync(Guid id)
    {
        try
        {
            var conversation = await conversations.GetAsync(id);
            return (ChatTree.From(conversation), ConversationState.Ready, conversation.Prompt);
        }
        catch (ApiException exception)
        {
            LogUnread(logger, exception.Problem.Status, exception.Problem.Code, exception.Problem.TraceId);
            return (new ChatTree(), exception.Problem.Status == StatusCodes.Status404NotFound ? ConversationState.Unknown : ConversationState.Unavailable, null);
        }
    }

    private Task AnswerAsync(ChatExchange exchange, ModelInfo? model, IReadOnlyList<string>? tools)
    {
        var answer = new ChatAnswer(model?.Id);
        exchange.Answers.Add(answer);
        var request = exchange.MessageId is { } known
            ? new ChatRequest(ConversationId, null, answer.Model, known, tools)
            : new ChatRequest(
                ConversationId, exchange.Message, answer.Model, exchange.Previous?.MessageId ?? ConversationId, tools, ConversationId is null ? Prompt?.Id : null);
        return ReadAsync(answer, ChatTelemetry.SendSpan, exchange, token => api.StreamChatAsync(request, token), isFollowing: false);
    }

    private Task FollowAsync(ChatAnswer answer) =>
        ReadAsync(answer, ChatTelemetry.FollowSpan, null, token => api.FollowRunAsync(answer.RunId!, null, token), isFollowing: true);

    /// <param name="exchange">What is answered, when the Api is to say where it stores it.</param>
    /// <param name="isFollowing">Whether the run is known to the Api before its first event.</param>
    private async Task ReadAsync(
        ChatAnswer answer, string span, ChatExchange? exchange, Func<CancellationToken, IAsyncEnumerable<SseItem<ChatEvent>>> begin, bool isFollowing)
    {
        using var trace = ChatTelemetry.Start(span, answer.Model);
        using var cancellation = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        var run = new Run(answer, exchange, trace, cancellation) { IsTaken = isFollowing };
        _runs[answer] = run;
        if (!isFollowing)
        {
            answer.Traced(trace.TraceId);
        }

        Show();
        try
        {
            // Overtaken by the message, the choice of a branch before it would hide the message's own.
            await _storing.WaitAsync(cancellation.Token);
            await ReadToEndAsync(run, begin);
        }
        catch (ApiException exception)
        {
            Fail(run, exception.Problem);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            if (run.StopRequested)
            {
                answer.StoppedUnconfirmed();
            }
        }
        finally
        {
            _runs.Remove(answer);
            Changed?.Invoke();
        }
    }

    /// <summary>Takes a stream that breaks up again where it was, on whatever process answers.</summary>
    /// <exception cref="ApiException">It never began, or cannot be taken up again: then with the problem that broke it.</exception>
    private async Task ReadToEndAsync(Run run, Func<CancellationToken, IAsyncEnumerable<SseItem<ChatEvent>>> begin)
    {
        var events = begin(run.Cancellation.Token);
        ApiException? broken = null;
        var failures = 0;
        while (true)
        {
            try
            {
                await foreach (var item in events)
                {
                    (run.IsTaken, run.LastEventId, broken, failures) = (true, item.EventId ?? run.LastEventId, null, 0);
                    run.Answer.Connected(true);
                    await ApplyAsync(item.Data, run);
                }

                return;
            }
            catch (ApiException exception) when (run is { IsTaken: true, Answer.RunId: not null })
            {
                broken ??= exception;
                if (!IsPassing(exception.Problem) || failures == ReconnectPauses.Count)
                {
                    throw broken;
                }

                LogBroken(logger, exception.Problem.Status, exception.Problem.Code, run.Answer.TraceId);
            }

            run.Answer.Connected(false);
            await Task.Delay(ReconnectPauses[failures++], time, run.Cancellation.Token);
            events = api.FollowRunAsync(run.Answer.RunId, run.LastEventId, run.Cancellation.Token);
        }
    }

    private static bool IsPassing(Problem problem) =>
        problem.Code is ProblemCodes.BrokenStream or ProblemCodes.Unreachable
        || problem.Status is StatusCodes.Status502BadGateway or StatusCodes.Status503ServiceUnavailable or StatusCodes.Status504GatewayTimeout;

    private async Task ApplyAsync(ChatEvent next, Run run)
    {
        switch (next)
        {
            case RunStarted started:
                run.Answer.Started(started);
                run.Trace.Started(started);
                if (run.Exchange is { } exchange)
                {
                    exchange.MessageId = started.UserMessageId;
                    Taken?.Invoke();
                }

                Begin(run, started);
                if (run.StopRequested)
                {
                    await RequestStopAsync(run, started.RunId);
                }

                break;
            case TextDelta delta:
                run.Answer.Append(delta.Text);
                break;
            case TextReset reset:
                run.Answer.Reset(reset);
                break;
            case ToolCall call:
                run.Answer.Take(call);
                break;
            case CallUsage usage:
                run.Answer.Add(usage);
                break;
            case AnswerDone done:
                run.Trace.Ended(done.FinishReason);
                run.Answer.Done(done.FinishReason);
                break;
            case AnswerFailed failed:
                Fail(run, failed.Problem);
                break;
        }
    }

    /// <summary>The first message of a conversation tells which it is, unless another is shown by now.</summary>
    private void Begin(Run run, RunStarted started)
    {
        if (ConversationId is null && _runs.ContainsKey(run.Answer) && started.ConversationId is { } id)
        {
            ConversationId = id;
            Begun?.Invoke(id);
        }
    }

    private void Fail(Run run, Problem problem)
    {
        run.Trace.Failed(problem);
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

    private void Show()
    {
        Exchanges = _tree.Shown;
        Changed?.Invoke();
    }

    /// <summary>Shows the branch that was chosen, and tells the Api, so that it is shown the next time too.</summary>
    private Task ShownAsync()
    {
        Show();
        if (ConversationId is { } id && (Exchanges[^1].Answer?.MessageId ?? Exchanges[^1].MessageId) is { } current)
        {
            _storing = StoreShownAsync(_storing, id, current);
        }

        return _storing;
    }

    private async Task StoreShownAsync(Task earlier, Guid id, Guid current)
    {
        await earlier;
        try
        {
            await conversations.ChangeAsync(id, new ConversationChange(CurrentMessageId: current));
        }
        catch (ApiException exception)
        {
            LogBranchFailed(logger, exception.Problem.Status, exception.Problem.Code, exception.Problem.TraceId);
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "A conversation cannot be read: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogUnread(ILogger logger, int? status, string? code, string? traceId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The stream of an answer broke: status {Status}, code {Code}, trace {TraceId}. It is taken up again.")]
    private static partial void LogBroken(ILogger logger, int? status, string? code, string? traceId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A run could not be stopped: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogStopFailed(ILogger logger, int? status, string? code, string? traceId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The branch that is shown could not be stored: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogBranchFailed(ILogger logger, int? status, string? code, string? traceId);

    /// <summary>An answer being read.</summary>
    private sealed class Run(ChatAnswer answer, ChatExchange? exchange, SendTrace trace, CancellationTokenSource cancellation)
    {
        public ChatAnswer Answer { get; } = answer;

        public ChatExchange? Exchange { get; } = exchange;

        public SendTrace Trace { get; } = trace;

        public CancellationTokenSource Cancellation { get; } = cancellation;

        public bool StopRequested { get; set; }

        /// <summary>Whether the Api has the run: then its stream can be taken up again.</summary>
        public bool IsTaken { get; set; }

        public string? LastEventId { get; set; }
    }
}
