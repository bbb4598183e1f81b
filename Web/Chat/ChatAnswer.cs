using System.Text;
using LlmAspire.Web.Api;

namespace LlmAspire.Web.Chat;

/// <summary>An answer as it grows. Written by <see cref="ChatSession"/>, on the circuit's dispatcher.</summary>
public sealed class ChatAnswer
{
    private readonly StringBuilder _text = new();
    private readonly List<CallUsage> _usages = [];

    /// <summary>Raised at each event of the stream, which may be hundreds a second.</summary>
    public event Action? Changed;

    public AnswerState State { get; private set; } = AnswerState.Streaming;

    public string Text => _text.ToString();

    public bool HasText => _text.Length > 0;

    /// <summary>One a call to a provider; an answer that used tools has several.</summary>
    public IReadOnlyList<CallUsage> Usages => _usages;

    public string? RunId { get; private set; }

    /// <summary>The trace of the send, as 32 hex digits.</summary>
    public string? TraceId { get; private set; }

    public string? FinishReason { get; private set; }

    /// <summary>Why it failed; null unless <see cref="State"/> says so.</summary>
    public Problem? Problem { get; private set; }

    /// <summary>Stop was pressed and the end of the stream is awaited.</summary>
    public bool Stopping { get; private set; }

    internal void Traced(string? traceId)
    {
        TraceId = traceId;
        Changed?.Invoke();
    }

    internal void Started(RunStarted run)
    {
        RunId = run.RunId;
        TraceId = run.TraceId ?? TraceId;
        Changed?.Invoke();
    }

    internal void Append(string text)
    {
        _text.Append(text);
        Changed?.Invoke();
    }

    internal void Add(CallUsage usage)
    {
        _usages.Add(usage);
        Changed?.Invoke();
    }

    internal void StopRequested()
    {
        Stopping = true;
        Changed?.Invoke();
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
        End(AnswerState.Failed);
    }

    private void End(AnswerState state)
    {
        State = state;
        Stopping = false;
        Changed?.Invoke();
    }
}
