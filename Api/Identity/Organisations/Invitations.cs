using LlmAspire.Api.Data;
using LlmAspire.Api.Identity.Data;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Api.Identity.Organisations;

/// <summary>The invitations that are open: not used, not over, and of somebody who still may invite.</summary>
internal sealed class Invitations(TenantContext accounts, TimeProvider time)
{
    /// <summary>Open ones of one admin at a time.</summary>
    public const int MostOfPerson = 20;

    /// <summary>Makes one.</summary>
    /// <returns>With its token, which is stored nowhere; or why there is none.</returns>
    public Task<(Invitation? Invitation, string? Token, InvitationRefusal? Refusal)> MakeAsync(Caller caller, Role role, CancellationToken cancellationToken) =>
        accounts.Database.CreateExecutionStrategy().ExecuteAsync(async () =>
        {
            accounts.ChangeTracker.Clear();
            await using var transaction = await accounts.Database.BeginTransactionAsync(cancellationToken);
            // In turn with changes of roles: what the token says is up to five seconds old.
            await accounts.Database.ExecuteSqlAsync($"SELECT FROM tenant.organisation WHERE id = {caller.OrgId} FOR UPDATE", cancellationToken);
            if (!await accounts.Users.AnyAsync(row => row.Id == caller.UserId && row.OrganisationId == caller.OrgId && row.Role == Role.Admin, cancellationToken))
            {
                return ((Invitation?)null, (string?)null, (InvitationRefusal?)InvitationRefusal.NotAdmin);
            }

            if (await Open().CountAsync(row => row.InviterId == caller.UserId, cancellationToken) >= MostOfPerson)
            {
                return (null, null, InvitationRefusal.TooMany);
            }

            var (now, token) = (time.GetUtcNow(), Secrets.Create());
            var invitation = new Invitation
            {
                Id = Guid.CreateVersion7(now),
                OrganisationId = caller.OrgId,
                InviterId = caller.UserId,
                TokenHash = Secrets.Hash(token),
                Role = role,
                CreatedAt = now,
                ExpiresAt = now + AccountOptions.InvitationLife,
            };
            accounts.Invitations.Add(invitation);
            await accounts.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return (invitation, token, null);
        });

    /// <summary>Those of the caller's organisation, the newest first.</summary>
    public Task<List<OpenInvitationResponse>> ListAsync(Caller caller, CancellationToken cancellationToken) =>
        (from invitation in Open()
         where invitation.OrganisationId == caller.OrgId
         join account in accounts.Users on invitation.InviterId equals account.Id into inviters
         from inviter in inviters.DefaultIfEmpty()
         orderby invitation.Id descending
         select new OpenInvitationResponse(invitation.Id, invitation.Role, inviter.Email, invitation.CreatedAt, invitation.ExpiresAt)).ToListAsync(cancellationToken);

    /// <returns>False when the organisation has no such open invitation.</returns>
    public async Task<bool> RevokeAsync(Caller caller, Guid id, CancellationToken cancellationToken) =>
        await Open().Where(row => row.Id == id && row.OrganisationId == caller.OrgId).ExecuteDeleteAsync(cancellationToken) > 0;

    /// <summary>Uses one, if it is open: one statement, so that of two who use it at once one is refused; what follows in the transaction and fails gives it back.</summary>
    /// <returns>Where the person belongs; null when it is not open.</returns>
    public async Task<(Guid Organisation, Role Role)?> UseAsync(string token, CancellationToken cancellationToken)
    {
        var (hash, now) = (Secrets.Hash(token), time.GetUtcNow());
        if (await Open().Where(row => row.TokenHash == hash).ExecuteUpdateAsync(row => row.SetProperty(invitation => invitation.UsedAt, now), cancellationToken) == 0)
        {
            return null;
        }

        var used = await accounts.Invitations.SingleAsync(row => row.TokenHash == hash, cancellationToken);
        return (used.OrganisationId, used.Role);
    }

    private IQueryable<Invitation> Open()
    {
        var now = time.GetUtcNow();
        return accounts.Invitations.Where(row => row.UsedAt == null && row.ExpiresAt > now && (row.InviterId == null
            || accounts.Users.Any(inviter => inviter.Id == row.InviterId && inviter.OrganisationId == row.OrganisationId && inviter.Role == Role.Admin)));
    }
}

/// <summary>Why there is no invitation.</summary>
internal enum InvitationRefusal
{
    NotAdmin,
    TooMany,
}
