namespace LlmAspire.Web.Reports;

/// <summary>As <c>GET /usage/latency</c> answers.</summary>
public sealed record UsageLatency(IReadOnlyList<LatencyRow> Rows);

/// <summary>How long completed calls of a group took, in milliseconds: half of them at most p50, 95 of 100 at most p95.</summary>
/// <param name="Key">Null where the ledger does not know.</param>
/// <param name="TtftP50Ms">To the first token.</param>
/// <param name="DurationP50Ms">To the end.</param>
public sealed record LatencyRow(
    string? Key, long Calls, double? TtftP50Ms, double? TtftP95Ms, double? DurationP50Ms, double? DurationP95Ms, double? OutputTokensPerSecondP50);
