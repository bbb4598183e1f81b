using System.Security.Claims;
using LlmAspire.Api.Data;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Api.Identity;

/// <summary>
/// The claims of accounts as the database has them, for requests that come with a token or a key. They are up to five seconds old: so long
/// may a revoked token live, and so long may a changed role, plan or organisation go unseen. While PostgreSQL is away what was known in the last
/// 15 minutes still counts.
/// </summary>
internal sealed class KnownAccounts(IServiceScopeFactory scopes, TimeProvider time) : IDisposable
{
    private readonly RecentMemory<Guid, KnownAccount> _memory = new((ids, token) => ReadAsync(scopes, ids, token), time, keepFresh: true);

    /// <summary>Null when there is no such account.</summary>
    /// <param name="stamp">The security stamp of the token; null when the caller has none to compare.</param>
    /// <exception cref="DatabaseAwayException">When PostgreSQL is away and the account is not known.</exception>
    public Task<KnownAccount?> FindAsync(Guid id, string? stamp, CancellationToken cancellationToken) => _memory.FindAsync(
        id,
        // A new token comes with a stamp that is not remembered yet.
        known => stamp is null || known.Stamp == stamp,
        cancellationToken);

    public void Forget(Guid id) => _memory.Forget(id);

    public void Dispose() => _memory.Dispose();

    private static async Task<Dictionary<Guid, KnownAccount>> ReadAsync(IServiceScopeFactory scopes, IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var accounts = scope.ServiceProvider.GetRequiredService<TenantContext>();
        return await accounts.Users.AsNoTracking().Include(row => row.Organisation).Where(row => ids.Contains(row.Id)).ToDictionaryAsync(
            row => row.Id, row => new KnownAccount(row.SecurityStamp!, Caller.ClaimsOf(row, row.Organisation!.Plan)), cancellationToken);
    }
}

/// <param name="Stamp">Changes when every token of the account is revoked.</param>
/// <param name="Claims">Those of <see cref="Caller"/>.</param>
internal sealed record KnownAccount(string Stamp, IReadOnlyList<Claim> Claims);
