namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>An answer is a sequence of these. What can be seen is one token, and in a stream one event, a step.</summary>
/// <param name="Tokens">Completion tokens it costs.</param>
internal abstract record AnswerStep(int Tokens);

/// <summary>Thinking: costs tokens and time, shows nothing.</summary>
internal sealed record ReasoningStep(int Tokens) : AnswerStep(Tokens);

internal sealed record TextStep(string Text) : AnswerStep(1);

/// <summary>Begins a tool call.</summary>
/// <param name="Index">From 0, in the order of the calls of one answer.</param>
internal sealed record ToolCallStep(int Index, string Id, string Name) : AnswerStep(1);

/// <summary>A piece of the arguments of the call with this index.</summary>
internal sealed record ToolArgumentsStep(int Index, string Json) : AnswerStep(1);
