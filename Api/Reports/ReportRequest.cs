namespace LlmAspire.Api.Reports;

/// <summary>The query of a report, as it was sent. Lists are repeated: <c>model=a&amp;model=b</c>.</summary>
/// <param name="From">A time with its offset, or a day, which begins in <paramref name="Zone"/>; 30 days before <paramref name="To"/> unless given.</param>
/// <param name="To">The first moment that is not in it; the end of today unless given.</param>
/// <param name="Zone">An IANA name; UTC unless given.</param>
/// <param name="Scope"><c>me</c> (unless given), <c>organisation</c> (its admins) or <c>all</c> (operators).</param>
/// <param name="AsOf">The pin of an earlier answer: the same figures again.</param>
internal sealed record ReportRequest(
    string? From,
    string? To,
    string? Zone,
    string? Scope,
    string? AsOf,
    string[]? Model,
    string[]? Provider,
    string[]? ServedModel,
    string[]? User,
    string[]? Org,
    string[]? Operation,
    string[]? Outcome,
    string[]? Source,
    string? Conversation,
    string? Request);
