using System.Text.Json;
using LlmAspire.Usage;

namespace LlmAspire.Benchmarks;

/// <summary>Events as a day of chatting makes them: some organisations, their users, a few models.</summary>
internal static class SampleEvents
{
    private static readonly (string Alias, string Provider, string Model)[] Models =
        [("chat-default", "openai", "gpt-6-luna"), ("claude-default", "anthropic", "claude-sonnet-5-5"), ("gemini-default", "google", "gemini-3.6-flash")];

    private static readonly Guid[] Organisations = [.. Enumerable.Range(0, 10).Select(_ => Guid.NewGuid())];

    private static readonly Guid[] Users = [.. Enumerable.Range(0, 200).Select(_ => Guid.NewGuid())];

    public static UsageEvent[] Make(int count, Random random) => [.. Enumerable.Range(0, count).Select(_ => Make(random))];

    public static OpenCall Open() => new()
    {
        Id = Guid.CreateVersion7(),
        RequestId = Guid.CreateVersion7(),
        UserId = Users[0],
        OrgId = Organisations[0],
        Operation = UsageOperation.Chat,
        Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ModelAlias = Models[0].Alias,
        ReservedPromptTokens = 100,
        ReservedCompletionTokens = 8192,
    };

    private static UsageEvent Make(Random random)
    {
        var user = random.Next(Users.Length);
        var (alias, provider, model) = Models[random.Next(Models.Length)];
        var (prompt, completion) = (random.Next(10, 4000), random.Next(1, 1000));
        var id = Guid.CreateVersion7();
        return new UsageEvent
        {
            Id = id,
            RequestId = Guid.CreateVersion7(),
            UserId = Users[user],
            OrgId = Organisations[user % Organisations.Length],
            ConversationId = Guid.CreateVersion7(),
            Operation = UsageOperation.Chat,
            Traceparent = $"00-{Guid.NewGuid():N}-b7ad6b7169203331-01",
            ModelAlias = alias,
            Provider = provider,
            ServedModel = model,
            PromptTokens = prompt,
            CompletionTokens = completion,
            CachedPromptTokens = 0,
            ReasoningTokens = 0,
            Source = UsageSource.Provider,
            Outcome = UsageOutcome.Completed,
            TtftMs = 200,
            DurationMs = 3000,
            GatewayCallId = id.ToString(),
            RawUsage = JsonElement.Parse($$$"""
                {"prompt_tokens":{{{prompt}}},"completion_tokens":{{{completion}}},"total_tokens":{{{prompt + completion}}},"prompt_tokens_details":{"cached_tokens":0}}
                """),
        };
    }
}
