namespace LlmAspire.Usage.Tests;

internal static class Calls
{
    /// <summary>A call that reserves 100 + 1,000 tokens.</summary>
    public static OpenCall Open(Guid? id = null, Guid? user = null, Guid? org = null, long? limit = null) => new()
    {
        Id = id ?? Guid.CreateVersion7(),
        RequestId = Guid.CreateVersion7(),
        UserId = user ?? Guid.NewGuid(),
        OrgId = org ?? Guid.NewGuid(),
        Operation = UsageOperation.Chat,
        Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ModelAlias = "chat-default",
        ReservedPromptTokens = 100,
        ReservedCompletionTokens = 1000,
        AllowanceLimit = limit,
    };

    /// <summary>The event that settles a call.</summary>
    public static UsageEvent Settle(this OpenCall call) => Events.Plain(call.Id) with
    {
        RequestId = call.RequestId,
        UserId = call.UserId,
        OrgId = call.OrgId,
        Operation = call.Operation,
        Traceparent = call.Traceparent,
        ModelAlias = call.ModelAlias,
        Provider = "openai",
        ServedModel = "gpt-4o-mini",
    };

    /// <summary>The event of a call whose process is gone, as the adoption of a spool writes it.</summary>
    public static UsageEvent Interrupt(this OpenCall call) => call.Settle() with
    {
        Provider = null,
        ServedModel = null,
        PromptTokens = 0,
        CompletionTokens = 0,
        Source = UsageSource.None,
        Outcome = UsageOutcome.Interrupted,
    };
}
