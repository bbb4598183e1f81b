using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>What comparisons of the ledger found.</summary>
/// <param name="Threshold">The share above which a row is a notice.</param>
/// <param name="LastComparedAt">When the gateway's logs were compared last; null when never.</param>
public sealed record ReconciliationOverview(
    IReadOnlyList<ReconciliationRow> Rows, decimal Threshold, DateTimeOffset? LastComparedAt, GatewayState Gateway);

/// <param name="Available">Whether the gateway's spend logs could be read when they were asked for last.</param>
/// <param name="Problem">One of <see cref="GatewayProblem"/>; null when they could.</param>
/// <param name="Since">Since when it is so.</param>
public sealed record GatewayState(bool Available, string? Problem, DateTimeOffset? Since, DateTimeOffset? AskedAt);

/// <summary>A day (UTC), provider and model. Calls without tokens are not counted.</summary>
/// <param name="Provider">Null when nobody knows; so is the model.</param>
/// <param name="OtherCalls">Null when an invoice does not tell.</param>
/// <param name="DriftTokens">The ledger's tokens less the other's.</param>
/// <param name="DriftShare">Of all tokens those that differ, 0 to 1: for the gateway call by call, so that one call too many does not make up for one too few.</param>
/// <param name="LedgerCostUsd">By the prices in force now; null when some of it has no price.</param>
/// <param name="DriftCostUsd">The ledger's cost less the other's.</param>
/// <param name="AboveThreshold">By the share of tokens; for an invoice also by that of cost.</param>
/// <param name="MissingInLedger">Calls that only the gateway knows; null for an invoice.</param>
/// <param name="MissingAtGateway">Calls that only the ledger knows; null for an invoice.</param>
public sealed record ReconciliationRow(
    DateOnly Day,
    string? Provider,
    string? Model,
    ReconciliationSource Source,
    long LedgerCalls,
    long? OtherCalls,
    TokenPair LedgerTokens,
    TokenPair OtherTokens,
    long DriftTokens,
    decimal DriftShare,
    decimal? LedgerCostUsd,
    decimal? OtherCostUsd,
    decimal? DriftCostUsd,
    bool AboveThreshold,
    long? MissingInLedger,
    long? MissingAtGateway,
    DateTimeOffset ComparedAt);

public sealed record TokenPair(long Prompt, long Completion)
{
    [JsonIgnore]
    public long Total => Prompt + Completion;
}

/// <summary>What the ledger is compared with.</summary>
[JsonConverter(typeof(EnumNameConverter<ReconciliationSource>))]
public enum ReconciliationSource
{
    /// <summary>The gateway's spend logs.</summary>
    [JsonStringEnumMemberName("gateway")] Gateway,

    /// <summary>A provider's invoice.</summary>
    [JsonStringEnumMemberName("invoice")] Invoice,
}

/// <summary>A call of which ledger and gateway say something else.</summary>
/// <param name="GatewayCallId">What the gateway calls it.</param>
/// <param name="CallId">The id of the ledger's row; null when it has none.</param>
/// <param name="Kind"><c>missing_in_ledger</c>, <c>missing_at_gateway</c> or <c>tokens_differ</c>.</param>
/// <param name="At">When it was opened, as far as that is known.</param>
public sealed record ReconciliationDifference(
    string GatewayCallId,
    Guid? CallId,
    string Kind,
    long? LedgerPromptTokens,
    long? LedgerCompletionTokens,
    long? OtherPromptTokens,
    long? OtherCompletionTokens,
    DateTimeOffset At,
    string? Provider,
    string? Model);
