using LlmAspire.Api.Data;
using LlmAspire.Usage;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Api.Reports;

/// <summary>The ledger knows ids; what people call them is in the tenants' tables. Names that are gone stay away.</summary>
internal sealed class ReportNames(TenantContext tenants)
{
    /// <param name="seen">Whose names may be told: those of the organisation, or everybody's.</param>
    public async Task<IReadOnlyDictionary<Guid, string>> FindAsync(
        ReportFilter seen, IReadOnlyCollection<Guid> users, IReadOnlyCollection<Guid> organisations, CancellationToken cancellationToken)
    {
        Dictionary<Guid, string> names = [];
        if (users.Count > 0)
        {
            foreach (var user in await tenants.Users.AsNoTracking().Where(user => users.Contains(user.Id) && (seen.OrgId == null || user.OrganisationId == seen.OrgId))
                .Select(user => new { user.Id, Name = user.Email ?? user.UserName }).ToListAsync(cancellationToken))
            {
                names[user.Id] = user.Name ?? "";
            }
        }

        if (organisations.Count > 0)
        {
            foreach (var organisation in await tenants.Organisations.AsNoTracking()
                .Where(organisation => organisations.Contains(organisation.Id) && (seen.OrgId == null || organisation.Id == seen.OrgId))
                .Select(organisation => new { organisation.Id, organisation.Name }).ToListAsync(cancellationToken))
            {
                names[organisation.Id] = organisation.Name;
            }
        }

        return names;
    }

    public Task<IReadOnlyDictionary<Guid, string>> FindAsync(ReportFilter seen, IEnumerable<ReportedCall> calls, CancellationToken cancellationToken)
    {
        var all = calls.ToList();
        return FindAsync(seen, [.. all.Select(call => call.UserId).Distinct()], [.. all.Select(call => call.OrgId).Distinct()], cancellationToken);
    }
}
