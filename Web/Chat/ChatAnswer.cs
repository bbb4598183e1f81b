using System.Text;
using LlmAspire.Web.Api;

namespace LlmAspire.Web.Chat;

/// <summary>An answer as it grows. Written by <see cref="ChatSession"/>, on the circuit's dispatcher.</summary>
/// <param name="model">The alias asked for; null for the Api's default.</param>
public sealed class ChatAnswer(string? model)
{
    private readonly StringBuilder _text = new();
    private string? _said;
    private readonly List<CallUsage> _usages = [];
    private readonly List<ToolCall> _tools = [];

    /// <summary>Raised at each event of the stream, which may be hundreds a second.</summary>
    public event Action? Changed;

    public AnswerState State { get; private set; } = AnswerState.Streaming;

    /// <summary>The alias asked for; null for the Api's default.</summary>
    public string? Model { get; private set; } = model;

    /// <summary>Where the Api stores it; null until it said so.</summary>
    public Guid? MessageId { get; private set; }

    /// <summary>What was said so far. The same string until more is: it is not copied at each look.</summary>
    public string Text => _said ??= _text.ToString();

    public bool HasText => _text.Length > 0;

    /// <summary>One a call to a provider; an answer that used tools, or was continued, has several.</summary>
    public IReadOnlyList<CallUsage> Usages => _usages;

    /// <summary>The calls of tools, in the order in which they were asked for.</summary>
    public IReadOnlyList<ToolCall> Tools => _tools;

    public string? RunId { get; private set; }

    /// <summary>The trace of the send, as 32 hex digits.</summary>
    public string? TraceId { get; private set; }

    public string? FinishReason { get; private set; }

    /// <summary>Why it failed; null unless <see cref="State"/> says so.</summary>
    public Problem? Problem { get; private set; }

    /// <summary>Stop was pressed and the end of the stream is awaited.</summary>
    public bool Stopping { get; private set; }

    /// <summary>The stream broke and is being taken up again.</summary>
    public bool Reconnecting { get; private set; }

    /// <summary>What was said to it next: several when a message was edited.</summary>
    public ChatBranches<ChatExchange> Next { get; } = new();

    /// <summary>Whether it can be gone on with where it ended.</summary>
    public bool CanContinue => RunId is not null && State is AnswerState.Stopped or AnswerState.Interrupted;

    /// <summary>An answer that the Api has stored, whole or so far.</summary>
    internal static ChatAnswer From(Conversations.StoredMessage stored)
    {
        var answer = new ChatAnswer(stored.Model) { MessageId = stored.Id, RunId = stored.RunId, TraceId = stored.TraceId, FinishReason = stored.FinishReason };
        answer.Say(stored.Content);
        answer._usages.AddRange(stored.Usage);
        answer._tools.AddRange(stored.Tools ?? []);
        answer.State = stored.Status switch
        {
            "running" => AnswerState.Streaming,
            "stopped" => AnswerState.Stopped,
            "interrupted" => AnswerState.Interrupted,
            "failed" => AnswerState.Failed,
            _ => AnswerState.Done,
        };
        answer.Problem = stored.Error is { } error ? new Problem(Title: error.Title, Detail: error.Detail, Code: error.Code, TraceId: stored.TraceId) : null;
        return answer;
    }

    internal void Traced(string? traceId)
    {
        TraceId = traceId;
        Changed?.Invoke();
    }

    internal void Started(RunStarted run)
    {
        RunId = run.RunId;
        MessageId = run.MessageId ?? MessageId;
        Model = run.Model ?? Model;
        TraceId = run.TraceId ?? TraceId;
        if (run.Attempt == 1)
        {
            // From its beginning: also when it was shown before as far as it was stored.
            Say("");
            _tools.Clear();
        }

        Changed?.Invoke();
    }

    /// <summary>It is being made again, or gone on with.</summary>
    internal void Resumed()
    {
        (State, Problem, FinishReason) = (AnswerState.Streaming, null, null);
        Changed?.Invoke();
    }

    internal void Append(string text)
    {
        _text.Append(text);
        _said = null;
        Changed?.Invoke();
    }

    /// <summary>Takes what is stored in place of what was shown.</summary>
    internal void Reset(TextReset reset)
    {
        Say(reset.Text);
        _tools.Clear();
        _tools.AddRange(reset.Tools ?? []);
        Changed?.Invoke();
    }

    /// <summary>A call of a tool begins, or one that is there goes on.</summary>
    internal void Take(ToolCall call)
    {
        var known = _tools.FindIndex(one => one.Round == call.Round && one.CallId == call.CallId);
        if (known < 0)
        {
            _tools.Add(call);
        }
        else
        {
            _tools[known] = call;
        }

        Changed?.Invoke();
    }

    /// <summary>One that is there already, of an earlier reading, is not added again.</summary>
    internal void Add(CallUsage usage)
    {
        if (_usages.All(known => known.CallId != usage.CallId))
        {
            _usages.Add(usage);
            Changed?.Invoke();
        }
    }

    internal void StopRequested()
    {
        Stopping = true;
        Changed?.Invoke();
    }

    internal void Connected(bool connected)
    {
        if (Reconnecting == connected)
        {
            Reconnecting = !connected;
            Changed?.Invoke();
        }
    }

    internal void Done(string? finishReason)
    {
        FinishReason = finishReason;
        End(finishReason == FinishReasons.Stopped ? AnswerState.Stopped : AnswerState.Done);
    }

    /// <summary>Stopped, but the Api did not say so: nothing is known of the usage.</summary>
    internal void StoppedUnconfirmed() => End(AnswerState.Stopped);

    internal void Failed(Problem problem)
    {
        Problem = problem;
        TraceId = problem.TraceId ?? TraceId;
        End(problem.Code == ProblemCodes.Interrupted ? AnswerState.Interrupted : AnswerState.Failed);
    }

    private void Say(string text)
    {
        _text.Clear().Append(text);
        _said = text;
    }

    private void End(AnswerState state)
    {
        State = state;
        Stopping = false;
        Reconnecting = false;
        Changed?.Invoke();
    }
}
