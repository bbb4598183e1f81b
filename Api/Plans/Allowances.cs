using LlmAspire.Api.Identity;
using LlmAspire.Usage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Plans;

/// <summary>Reads what organisations have used of their plan's tokens.</summary>
internal sealed class Allowances(LedgerContext ledger, IOptions<PlanOptions> plans, TimeProvider time)
{
    /// <summary>Of the present month; null when the plan has no limit.</summary>
    public async Task<AllowanceState?> FindAsync(Guid orgId, Plan plan, CancellationToken cancellationToken)
    {
        if (plans.Value[plan].TokensPerMonth is not { } limit)
        {
            return null;
        }

        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var month = today.AddDays(1 - today.Day);
        var row = await ledger.Set<Allowance>().AsNoTracking().SingleOrDefaultAsync(row => row.OrgId == orgId && row.Month == month, cancellationToken);
        return AllowanceState.Of(month, limit, row?.UsedTokens ?? 0, row?.ReservedTokens ?? 0);
    }
}
