using LlmAspire.Api.Tools;
using LlmAspire.Api.Unicode;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Chat;

/// <summary>Makes events of what a model asks of tools and what they tell it, in one answer. Safe to use from several threads.</summary>
/// <param name="earlier">The calls of earlier attempts.</param>
internal sealed class AnswerTools(RunTools? tools, IReadOnlyList<ToolCall> earlier)
{
    private const string NotCalled = "There is no such tool, or no more calls were allowed.";

    private readonly Lock _lock = new();
    private readonly List<ToolCall> _all = [.. earlier];
    private readonly List<FunctionCallContent?> _asked = [.. earlier.Select(_ => (FunctionCallContent?)null)];
    private int _round = earlier.Count == 0 ? 0 : earlier.Max(call => call.Round);
    private bool _roundIsOpen;

    /// <summary>Each once, as far as it is.</summary>
    public IReadOnlyList<ToolCall> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _all];
            }
        }
    }

    /// <summary>What the contents of an update are, as events. Calls in it are made fit to be told to a model again.</summary>
    /// <param name="at">How long the answer's text is.</param>
    public IReadOnlyList<ToolCall> Read(IList<AIContent> contents, int at)
    {
        List<ToolCall> events = [];
        lock (_lock)
        {
            for (var i = 0; i < contents.Count; i++)
            {
                if (contents[i] is FunctionCallContent call)
                {
                    events.Add(Begin(call, at));
                    if (!ToolNames.IsValid(call.Name))
                    {
                        // The model made the name up; its next call is told of it, and providers refuse such names.
                        contents[i] = new FunctionCallContent(call.CallId, ToolNames.ForModel(call.Name), call.Arguments);
                    }
                }
                else if (contents[i] is FunctionResultContent)
                {
                    _roundIsOpen = false;
                }
            }

            // The results of a round come together: what has none by now was answered by nobody.
            if (!_roundIsOpen)
            {
                events.AddRange(Close(ToolCallState.Failed));
            }
        }

        return events;
    }

    /// <returns>Null when the call is closed.</returns>
    public ToolCall? Return(FunctionCallContent call, ToolReturn result)
    {
        lock (_lock)
        {
            var index = _asked.IndexOf(call);
            return index < 0 || _all[index].State != ToolCallState.Called
                ? null
                : _all[index] = _all[index] with { State = result.State, Result = result.Result, DurationMs = (int)result.Duration.TotalMilliseconds };
        }
    }

    /// <summary>Ends the calls that have not ended.</summary>
    public IReadOnlyList<ToolCall> End(ToolCallState state)
    {
        lock (_lock)
        {
            return Close(state);
        }
    }

    private ToolCall Begin(FunctionCallContent call, int at)
    {
        if (!_roundIsOpen)
        {
            (_round, _roundIsOpen) = (_round + 1, true);
        }

        ToolArguments.Normalise(call);
        var begun = new ToolCall(
            OddText.Replace(call.CallId), tools?.FindName(call.Name) ?? OddText.Replace(call.Name), _round, at, ToolCallState.Called, tools?.ToJson(call), null, null);
        _all.Add(begun);
        _asked.Add(call);
        return begun;
    }

    private List<ToolCall> Close(ToolCallState state)
    {
        List<ToolCall> closed = [];
        for (var i = 0; i < _all.Count; i++)
        {
            if (_all[i].State == ToolCallState.Called)
            {
                _all[i] = _all[i] with { State = state, Result = state == ToolCallState.Failed ? NotCalled : null };
                closed.Add(_all[i]);
            }
        }

        return closed;
    }
}
