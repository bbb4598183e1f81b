using System.Security.Claims;
using LlmAspire.Api.Identity.Data;
using Microsoft.AspNetCore.Authentication.BearerToken;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Identity;

/// <summary>Passwords and refresh tokens: who they belong to.</summary>
internal sealed class SignIns(
    UserManager<Account> users,
    SignInManager<Account> signIn,
    IPasswordHasher<Account> hasher,
    KnownAccounts known,
    IOptionsMonitor<BearerTokenOptions> tokens,
    TimeProvider time)
{
    private static readonly Account Nobody = new();
    private static string? _nobodysHash;

    /// <summary>
    /// Null when e-mail and password do not belong together, or the account is locked. An unknown or locked one costs the time of a password too, so
    /// that the pause before the answer tells little.
    /// </summary>
    public async Task<Account?> FindAsync(string email, string password)
    {
        var account = await users.FindByEmailAsync(email);
        if (account is null || await users.IsLockedOutAsync(account))
        {
            _nobodysHash ??= hasher.HashPassword(Nobody, Secrets.Create());
            hasher.VerifyHashedPassword(Nobody, _nobodysHash, password);
            return null;
        }

        return (await signIn.CheckPasswordSignInAsync(account, password, lockoutOnFailure: true)).Succeeded ? account : null;
    }

    /// <summary>Null when the token is none, expired, or was revoked.</summary>
    public async Task<Account?> FindByRefreshTokenAsync(string? token)
    {
        var ticket = tokens.Get(IdentityConstants.BearerScheme).RefreshTokenProtector.Unprotect(token);
        return ticket?.Properties.ExpiresUtc is { } expires && time.GetUtcNow() < expires ? await signIn.ValidateSecurityStampAsync(ticket.Principal) : null;
    }

    public Task<ClaimsPrincipal> ClaimsAsync(Account account) => signIn.CreateUserPrincipalAsync(account);

    /// <summary>Ends every session of the account: refresh tokens at once, access tokens as <see cref="KnownAccounts"/> says.</summary>
    public async Task RevokeAsync(Account account)
    {
        Require(await users.UpdateSecurityStampAsync(account));
        known.Forget(account.Id);
    }

    /// <summary>Sets another password and ends every session. The present one was checked.</summary>
    public async Task ChangePasswordAsync(Account account, string present, string next)
    {
        Require(await users.ChangePasswordAsync(account, present, next));
        known.Forget(account.Id);
    }

    private static void Require(IdentityResult result)
    {
        if (!result.Succeeded)
        {
            throw new InvalidOperationException($"Identity refuses to change the account: {result}");
        }
    }
}
