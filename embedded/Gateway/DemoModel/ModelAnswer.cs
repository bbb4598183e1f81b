namespace LlmAspire.DemoGateway.DemoModel;

/// <param name="PromptTokens">Cached and cache-write tokens included.</param>
/// <param name="FinishReason"><c>stop</c>, <c>length</c> or <c>tool_calls</c>.</param>
internal sealed record ModelAnswer(
    int PromptTokens, int CachedTokens, int CacheWriteTokens, IReadOnlyList<AnswerStep> Steps, string FinishReason);
