using System.Text;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>Collects an answer into one body.</summary>
internal sealed class PlainAnswer(AnswerIdentity identity)
{
    private readonly StringBuilder _text = new();
    private readonly List<(ToolCallStep Call, StringBuilder Arguments)> _calls = [];

    public void Add(AnswerStep step)
    {
        switch (step)
        {
            case TextStep text:
                _text.Append(text.Text);
                break;
            case ToolCallStep call:
                _calls.Add((call, new StringBuilder()));
                break;
            case ToolArgumentsStep arguments:
                _calls[arguments.Index].Arguments.Append(arguments.Json);
                break;
        }
    }

    public ChatCompletion End(string finishReason, TokenUsage usage)
    {
        ToolCall[] calls = [.. _calls.Select(entry => new ToolCall(entry.Call.Id, new FunctionCall(entry.Arguments.ToString(), entry.Call.Name), "function"))];
        var message = new AnswerMessage(
            _text.Length > 0 || calls.Length == 0 ? _text.ToString() : null, "assistant", calls.Length > 0 ? calls : null);
        return new ChatCompletion(
            identity.Id,
            identity.Created,
            identity.Alias,
            "chat.completion",
            identity.SystemFingerprint,
            [new Choice(finishReason, 0, message)],
            usage,
            identity.ServiceTier);
    }
}
