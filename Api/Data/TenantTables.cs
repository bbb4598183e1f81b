using LlmAspire.Usage;

namespace LlmAspire.Api.Data;

/// <summary>What bounds each table of the schema <c>tenant</c>.</summary>
internal static class TenantTables
{
    /// <summary>Invitations that were used or have expired.</summary>
    public static TableBound Invitations { get; } = new("tenant.invitation", "`Retention:Invitations`") { IsOld = "coalesce(used_at, expires_at) < $1" };

    /// <summary>API keys that were revoked or have expired. The ledger's rows keep their ids.</summary>
    public static TableBound ApiKeys { get; } = new("tenant.api_key", "`Retention:ApiKeys`") { IsOld = "least(revoked_at, expires_at) < $1" };

    public static IReadOnlyList<TableBound> All { get; } =
    [
        Invitations,
        ApiKeys,
        new("tenant.organisation", "the organisations"),
        new("tenant.account", "the people; a member who is removed is deleted"),
        new("tenant.account_claim", "goes with its account; empty"),
        new("tenant.account_login", "goes with its account; one row for each provider that the person signs in with"),
        new("tenant.account_token", "goes with its account; empty"),
        new("tenant.conversation", "the person's own; deleted when the person deletes it"),
        new("tenant.message", "goes with its conversation"),
        new("tenant.run", "goes with its message: one row an answer"),
        new("tenant.run_batch", "goes with its run: one row for each attempt at an answer, when `Retention:RunEvents` has passed since its end; one whose process was gone keeps its rows until it is continued"),
        new("tenant.prompt", "the person's own; deleted when the person deletes it"),
        new("tenant.prompt_version", "goes with its prompt: one row for each time that it is saved"),
        new("tenant.data_protection_key", "one row every 90 days; never deleted, what was protected with a key is lost without it"),
        new("tenant.web_key", "one row every 90 days; never deleted, what was protected with a key is lost without it"),
        new("tenant.migrations", "one row a version of the schema"),
    ];
}
