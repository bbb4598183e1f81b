namespace LlmAspire.Web.Reconciliation;

/// <param name="Threshold">A share; rows that drift more are <see cref="ReconciliationRow.AboveThreshold"/>.</param>
public sealed record ReconciliationReport(
    IReadOnlyList<ReconciliationRow> Rows, decimal Threshold, DateTimeOffset? LastComparedAt, GatewayState? Gateway);

/// <summary>Whether the gateway tells what it spent.</summary>
/// <param name="Problem">A word such as <c>no_database</c>; null when there is none.</param>
public sealed record GatewayState(bool Available, string? Problem);

/// <summary>A day (UTC) of a model, as the ledger has it and as somebody else does. What is null, the other does not tell.</summary>
/// <param name="Source">Who else: of <see cref="ReconciliationSource"/>.</param>
/// <param name="DriftTokens">The ledger's tokens less the other's.</param>
/// <param name="DriftShare">Null when there is nothing to have a share of.</param>
public sealed record ReconciliationRow(
    DateOnly Day,
    string? Provider,
    string? Model,
    string Source,
    long LedgerCalls,
    long? OtherCalls,
    TokenCounts? LedgerTokens,
    TokenCounts? OtherTokens,
    long? DriftTokens,
    decimal? DriftShare,
    decimal? LedgerCostUsd,
    decimal? OtherCostUsd,
    decimal? DriftCostUsd,
    bool AboveThreshold,
    long? MissingInLedger,
    long? MissingAtGateway,
    DateTimeOffset? ComparedAt);

public sealed record TokenCounts(long Prompt, long Completion)
{
    public long All => Prompt + Completion;
}

/// <summary>A call on which the ledger and the gateway do not agree.</summary>
/// <param name="CallId">The ledger's; null when it has none.</param>
public sealed record CallDifference(
    string? GatewayCallId,
    Guid? CallId,
    string Kind,
    long? LedgerPromptTokens,
    long? LedgerCompletionTokens,
    long? OtherPromptTokens,
    long? OtherCompletionTokens,
    DateTimeOffset? At);

/// <summary>A provider's invoice that was imported.</summary>
/// <param name="Author">Who imported it.</param>
/// <param name="Replaced">Lines of it that a later import has replaced.</param>
public sealed record InvoiceImport(
    string Name, string Author, DateTimeOffset ImportedAt, long Lines, long Replaced, DateOnly? FirstDay, DateOnly? LastDay, decimal? CostUsd);

/// <summary>Whom the ledger is compared with, in the Api's words.</summary>
public static class ReconciliationSource
{
    public const string Gateway = "gateway";
    public const string Invoice = "invoice";
}
