using LlmAspire.DemoGateway.Contract;

namespace LlmAspire.DemoGateway.DemoModel;

/// <param name="FinishReason"><c>stop</c>, <c>length</c> or <c>tool_calls</c>.</param>
internal sealed record ModelAnswer(PromptCounts Prompt, IReadOnlyList<AnswerStep> Steps, string FinishReason);
