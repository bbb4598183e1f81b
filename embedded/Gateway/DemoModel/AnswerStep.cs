using LlmAspire.DemoGateway.Contract;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>What happens in a call is a sequence of these: what the model says, and what comes around it (<c>Chat/ProtocolSteps.cs</c>).</summary>
/// <param name="Tokens">Completion tokens it costs.</param>
internal abstract record AnswerStep(int Tokens)
{
    /// <summary>Told in the same event: a provider's that reports as it goes along. Null for all others.</summary>
    public TokenUsage? RunningUsage { get; init; }
}

/// <summary>Thinking: costs tokens and time, shows nothing.</summary>
internal sealed record ReasoningStep(int Tokens) : AnswerStep(Tokens);

/// <summary>A piece of the text: one token, or as many as it takes to make whole characters.</summary>
internal sealed record TextStep(string Text, int Tokens = 1) : AnswerStep(Tokens);

/// <summary>Ends a choice for this reason; what follows is the next one's.</summary>
internal sealed record NextChoiceStep(string FinishReason) : AnswerStep(0);

/// <summary>Begins a tool call.</summary>
/// <param name="Index">From 0, in the order of the calls of one answer.</param>
internal sealed record ToolCallStep(int Index, string Id, string Name) : AnswerStep(1);

/// <summary>A piece of the arguments of the call with this index.</summary>
internal sealed record ToolArgumentsStep(int Index, string Json, int Tokens = 1) : AnswerStep(Tokens);
