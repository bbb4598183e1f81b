using System.Text.Json;

namespace LlmAspire.Usage.Tests;

internal static class Events
{
    /// <summary>An event with nothing but what every event has.</summary>
    public static UsageEvent Plain(Guid? id = null) => new()
    {
        Id = id ?? Guid.CreateVersion7(),
        RequestId = Guid.CreateVersion7(),
        UserId = Guid.NewGuid(),
        OrgId = Guid.NewGuid(),
        Operation = UsageOperation.Chat,
        ModelAlias = "chat-default",
        PromptTokens = 12,
        CompletionTokens = 34,
        Source = UsageSource.Provider,
        Outcome = UsageOutcome.Completed,
        DurationMs = 56,
    };

    /// <summary>An event with everything an event can have, each value another one.</summary>
    public static UsageEvent Full() => Plain() with
    {
        ApiKeyId = Guid.NewGuid(),
        ConversationId = Guid.NewGuid(),
        Operation = UsageOperation.Race,
        Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ModelAlias = "claude-default",
        Provider = "anthropic",
        ServedModel = "claude-sonnet-4-5 \"ä\\\n",
        PromptTokens = 1000,
        CompletionTokens = 999_999_999_999,
        CachedPromptTokens = 100,
        CacheWriteTokens = 101,
        CacheWrite1hTokens = 99,
        ReasoningTokens = 102,
        AudioPromptTokens = 103,
        AudioCompletionTokens = 0,
        Source = UsageSource.Partial,
        Outcome = UsageOutcome.Disconnected,
        Attempts = 3,
        Fallbacks = 1,
        TtftMs = 400,
        DurationMs = 5000,
        GatewayCallId = "call-1",
        RawUsage = JsonElement.Parse("""{"prompt_tokens":1000,"nested":[1.50,null,{"a":"ä"}]}"""),
    };
}
