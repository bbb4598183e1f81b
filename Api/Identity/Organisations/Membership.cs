using LlmAspire.Api.Data;
using LlmAspire.Api.Identity.Data;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Api.Identity.Organisations;

/// <summary>The caller's organisation, and the one place that knows which rows are in it.</summary>
internal sealed class Membership(TenantContext accounts, KnownAccounts known)
{
    public IQueryable<Organisation> Organisation(Caller caller) => accounts.Organisations.Where(row => row.Id == caller.OrgId);

    public IQueryable<Account> Members(Caller caller) => accounts.Users.Where(row => row.OrganisationId == caller.OrgId);

    public Task<MemberChange> RemoveAsync(Caller caller, Guid id, CancellationToken cancellationToken) =>
        ChangeAsync(caller, id, keepsAdmin: false, member => accounts.Users.Remove(member), cancellationToken);

    public Task<MemberChange> SetRoleAsync(Caller caller, Guid id, Role role, CancellationToken cancellationToken) =>
        ChangeAsync(caller, id, keepsAdmin: role == Role.Admin, member => member.Role = role, cancellationToken);

    /// <summary>Changes of one organisation wait for each other: two admins who demote each other at once would leave none.</summary>
    private async Task<MemberChange> ChangeAsync(
        Caller caller, Guid id, bool keepsAdmin, Action<Account> change, CancellationToken cancellationToken)
    {
        var result = await accounts.Database.CreateExecutionStrategy().ExecuteAsync(async () =>
        {
            accounts.ChangeTracker.Clear();
            await using var transaction = await accounts.Database.BeginTransactionAsync(cancellationToken);
            await accounts.Database.ExecuteSqlAsync($"SELECT FROM tenant.organisation WHERE id = {caller.OrgId} FOR UPDATE", cancellationToken);
            // What the token says is up to five seconds old, and the one before in the queue may have changed it.
            if (!await Members(caller).AnyAsync(row => row.Id == caller.UserId && row.Role == Role.Admin, cancellationToken))
            {
                return MemberChange.NotAdmin;
            }

            if (await Members(caller).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } member)
            {
                return MemberChange.Unknown;
            }

            if (member.Role == Role.Admin && !keepsAdmin
                && !await Members(caller).AnyAsync(row => row.Id != id && row.Role == Role.Admin, cancellationToken))
            {
                return MemberChange.LastAdmin;
            }

            change(member);
            await accounts.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return MemberChange.Done;
        });
        known.Forget(id);
        return result;
    }
}

/// <summary>What came of a change of a member.</summary>
internal enum MemberChange
{
    Done,
    Unknown,
    LastAdmin,
    NotAdmin,
}
