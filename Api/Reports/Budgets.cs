using System.Globalization;
using LlmAspire.Api.Data;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Plans;
using LlmAspire.Usage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Reports;

/// <summary>What an organisation has used of its month, and where that leads: the mean of the last whole days, for the days that are left.</summary>
internal sealed class Budgets(TenantContext tenants, LedgerContext ledger, UsageReports reports, IOptions<PlanOptions> plans, TimeProvider time)
{
    private const int MostDays = 7;

    /// <returns>Null when there is no such organisation.</returns>
    public async Task<BudgetResponse?> FindAsync(Guid orgId, CancellationToken cancellationToken)
    {
        if (await tenants.Organisations.AsNoTracking().Where(row => row.Id == orgId).Select(row => (Plan?)row.Plan).SingleOrDefaultAsync(cancellationToken) is not { } plan)
        {
            return null;
        }

        var now = time.GetUtcNow();
        var today = Midnight(now);
        var month = today.AddDays(1 - today.Day);
        var next = month.AddMonths(1);
        var monthOfAllowance = DateOnly.FromDateTime(month.UtcDateTime);
        var allowance = await ledger.Set<Allowance>().AsNoTracking()
            .SingleOrDefaultAsync(row => row.OrgId == orgId && row.Month == monthOfAllowance, cancellationToken);
        var firstHour = await ledger.Set<OrgRollup>().AsNoTracking().Where(row => row.OrgId == orgId).MinAsync(row => (DateTimeOffset?)row.Hour, cancellationToken);

        var filter = new ReportFilter { OrgId = orgId };
        var soFar = await SumAsync(filter, month, today.AddDays(1), cancellationToken);
        var since = Later(today.AddDays(-MostDays), firstHour is { } first ? Midnight(first) : today);
        var days = (int)(today - since).TotalDays;
        var basis = days == 0 ? ReportSums.None : await SumAsync(filter, since, today, cancellationToken);

        var daysLeft = (decimal)(next - now).TotalDays;
        var tokensPerDay = days == 0 ? 0 : (decimal)basis.TotalTokens / days;
        var limit = plans.Value[plan].TokensPerMonth;
        var (used, reserved) = (allowance?.UsedTokens ?? 0, allowance?.ReservedTokens ?? 0);
        var left = limit is { } most ? Math.Max(0, most - used - reserved) : (long?)null;
        return new BudgetResponse(
            orgId,
            month.ToString("yyyy-MM", CultureInfo.InvariantCulture),
            limit,
            used,
            reserved,
            left,
            used + (long)(tokensPerDay * daysLeft),
            soFar.CostUsd,
            soFar.CostUsd + (days == 0 ? 0 : basis.CostUsd / days * daysLeft),
            soFar.UnpricedCalls,
            next,
            left is { } tokens && tokens < tokensPerDay * daysLeft ? now.AddDays((double)(tokens / tokensPerDay)) : null,
            new BudgetBasis(days == 0 ? null : DateOnly.FromDateTime(since.UtcDateTime), days));
    }

    private async Task<ReportSums> SumAsync(ReportFilter filter, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken) =>
        (await reports.SummariseAsync(new ReportQuery(from, to, "UTC", filter, null), [], cancellationToken)).Totals;

    private static DateTimeOffset Midnight(DateTimeOffset time) => new(time.UtcDateTime.Date, TimeSpan.Zero);

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;
}
