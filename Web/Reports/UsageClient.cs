using LlmAspire.Web.Api;

namespace LlmAspire.Web.Reports;

/// <summary>The Api's reports, as the signed-in person may see them. Every failure but cancellation is an <see cref="ApiException"/>. Thread-safe.</summary>
public sealed class UsageClient(ApiConnection api)
{
    /// <summary>A report of a long time from rows takes a while.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <param name="report">Of <see cref="UsageQuery.ForApi"/>, here and below.</param>
    public Task<UsageSummary> GetSummaryAsync(IEnumerable<KeyValuePair<string, string?>> report, IEnumerable<string> groupBy, CancellationToken cancellationToken = default) =>
        GetAsync<UsageSummary>("/usage/summary", [.. report, .. groupBy.Select(key => KeyValuePair.Create<string, string?>("groupBy", key))], cancellationToken);

    public Task<UsageLatency> GetLatencyAsync(IEnumerable<KeyValuePair<string, string?>> report, string groupBy, CancellationToken cancellationToken = default) =>
        GetAsync<UsageLatency>("/usage/latency", [.. report, new("groupBy", groupBy)], cancellationToken);

    /// <param name="cursor">Of the page before; null for the newest calls.</param>
    public Task<CallsPage> GetCallsAsync(IEnumerable<KeyValuePair<string, string?>> report, string? cursor, CancellationToken cancellationToken = default) =>
        GetAsync<CallsPage>("/usage/calls", cursor is null ? report : [.. report, new("cursor", cursor)], cancellationToken);

    public Task<CallStory> GetCallAsync(Guid id, string? asOf, CancellationToken cancellationToken = default) =>
        GetAsync<CallStory>($"/usage/calls/{id}", asOf is null ? [] : [new("asOf", asOf)], cancellationToken);

    /// <param name="organisation">Null for the caller's own.</param>
    public Task<UsageBudget> GetBudgetAsync(string? organisation, CancellationToken cancellationToken = default) =>
        GetAsync<UsageBudget>("/usage/budget", organisation is null ? [] : [new("org", organisation)], cancellationToken);

    private Task<T> GetAsync<T>(string path, IEnumerable<KeyValuePair<string, string?>> query, CancellationToken cancellationToken) =>
        api.GetAsync<T>(path + QueryString.Create(query), cancellationToken, Patience);
}
