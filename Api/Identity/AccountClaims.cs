using System.Security.Claims;
using LlmAspire.Api.Data;
using LlmAspire.Api.Identity.Data;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Identity;

/// <summary>
/// Makes the claims of an account from the database: those of <see cref="Caller"/>, and the security stamp, by which a token is known to be
/// revoked.
/// </summary>
internal sealed class AccountClaims(TenantContext accounts, IOptions<IdentityOptions> options) : IUserClaimsPrincipalFactory<Account>
{
    public async Task<ClaimsPrincipal> CreateAsync(Account user)
    {
        var plan = await accounts.Organisations.Where(organisation => organisation.Id == user.OrganisationId)
            .Select(organisation => organisation.Plan).SingleAsync();
        return new ClaimsPrincipal(new ClaimsIdentity(
            [.. Caller.ClaimsOf(user, plan), new Claim(options.Value.ClaimsIdentity.SecurityStampClaimType, user.SecurityStamp!)],
            IdentityConstants.BearerScheme));
    }
}
