using LlmAspire.Usage;

namespace LlmAspire.UsageWorker.Tests;

internal static class Calls
{
    /// <summary>Opens a call as a process does that died at once; it reserves 30 tokens.</summary>
    public static async Task<UsageEvent> OpenCallOfTheDeadAsync(this WorkerHost host)
    {
        var call = Settle();
        await host.ScalarAsync($"""
            INSERT INTO ledger.open_call (
                id, request_id, user_id, org_id, operation, model_alias, reserved_prompt_tokens, reserved_completion_tokens, instance_id)
            VALUES ('{call.Id}', '{call.RequestId}', '{call.UserId}', '{call.OrgId}', 'chat', 'chat-default', 10, 20, gen_random_uuid());
            INSERT INTO ledger.allowance (org_id, month, used_tokens, reserved_tokens)
            VALUES ('{call.OrgId}', date_trunc('month', now() AT TIME ZONE 'UTC'), 0, 30)
            """);
        return call;
    }

    /// <summary>An event of 12 + 34 tokens.</summary>
    public static UsageEvent Settle() => new()
    {
        Id = Guid.CreateVersion7(),
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
}
