using System.ComponentModel;
using System.Globalization;
using System.Text.Json.Serialization;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tools.BuiltIn;

/// <summary>What the caller has used: their own calls, as reports with scope <c>me</c> count them.</summary>
[DisplayName("My usage")]
internal sealed class MyUsageTool(UsageReports reports, TimeProvider time)
{
    private const int MostDays = 366;
    private const int MostRows = 60;

    [Description("Tells how many tokens and how much money the user has used in this product, from its ledger. The newest calls can be missing for a minute.")]
    public async Task<UsageTold> TellAsync(
        ToolCaller caller,
        [Description("How many days back, today (UTC) included; 1 to 366.")] int days = 30,
        [Description("What the sums are split by.")] UsageSplit by = UsageSplit.Total,
        CancellationToken cancellationToken = default)
    {
        if (days is < 1 or > MostDays)
        {
            throw new ToolFailedException($"days has to be 1 to {MostDays}.");
        }

        var tomorrow = new DateTimeOffset(time.GetUtcNow().UtcDateTime.Date.AddDays(1), TimeSpan.Zero);
        var query = new ReportQuery(tomorrow.AddDays(-days), tomorrow, "UTC", new ReportFilter { OrgId = caller.OrgId, UserId = caller.UserId }, null);
        var summary = await reports.SummariseAsync(query, KeysOf(by), cancellationToken);
        return new UsageTold(
            query.From.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            days,
            UsageFigures.Of(summary.Totals),
            by == UsageSplit.Total ? null : [.. summary.Groups.TakeLast(MostRows).Select(group => new UsageRow(group.Keys[0], UsageFigures.Of(group.Sums)))]);
    }

    private static ReportKey[] KeysOf(UsageSplit by) => by switch
    {
        UsageSplit.Day => [ReportKey.Day],
        UsageSplit.Model => [ReportKey.Model],
        UsageSplit.Operation => [ReportKey.Operation],
        _ => [],
    };
}

/// <summary>What usage is split by.</summary>
[JsonConverter(typeof(EnumNameConverter<UsageSplit>))]
internal enum UsageSplit
{
    [JsonStringEnumMemberName("total")] Total,
    [JsonStringEnumMemberName("day")] Day,
    [JsonStringEnumMemberName("model")] Model,
    [JsonStringEnumMemberName("operation")] Operation,
}

/// <param name="Rows">Null for the total alone.</param>
internal sealed record UsageTold(string SinceDay, int Days, UsageFigures Total, IReadOnlyList<UsageRow>? Rows);

internal sealed record UsageRow(string? Of, UsageFigures Figures);

/// <param name="CostUsd">Of what has a price.</param>
internal sealed record UsageFigures(long Calls, long PromptTokens, long CompletionTokens, long TotalTokens, decimal CostUsd, long UnpricedCalls)
{
    public static UsageFigures Of(ReportSums sums) =>
        new(sums.Calls, sums.PromptTokens, sums.CompletionTokens, sums.TotalTokens, sums.CostUsd, sums.UnpricedCalls);
}
