using LlmAspire.Api.Data;
using LlmAspire.Api.Identity.Data;
using LlmAspire.Api.Plans;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Api.Identity.External;

/// <summary>
/// Accounts of people who sign in at the provider. One is made when its person first comes, with the organisation if it is new, and follows what
/// the tokens say; the ledger, API keys and conversations need an id that lasts. Safe to use from several threads.
/// </summary>
internal sealed class ExternalAccounts : IDisposable
{
    /// <summary>An attempt can lose the organisation, the next one the person.</summary>
    private const int MostAttempts = 3;

    private readonly IServiceScopeFactory _scopes;
    private readonly IOptions<PlanOptions> _plans;
    private readonly TimeProvider _time;
    private readonly RecentMemory<ExternalPerson, KnownAccount> _memory;

    public ExternalAccounts(IServiceScopeFactory scopes, IOptions<PlanOptions> plans, TimeProvider time)
    {
        (_scopes, _plans, _time) = (scopes, plans, time);
        // Reading writes what a token says: only when it comes, for a newer one may say something else.
        _memory = new RecentMemory<ExternalPerson, KnownAccount>(WriteAsync, time, keepFresh: false);
    }

    /// <summary>The account of this person, as the token has it.</summary>
    /// <exception cref="DatabaseAwayException">When PostgreSQL is away and the person is not known.</exception>
    public async Task<KnownAccount> FindAsync(ExternalPerson person, CancellationToken cancellationToken) =>
        (await _memory.FindAsync(person, _ => true, cancellationToken))!;

    public void Dispose() => _memory.Dispose();

    private async Task<Dictionary<ExternalPerson, KnownAccount>> WriteAsync(IReadOnlyCollection<ExternalPerson> people, CancellationToken cancellationToken)
    {
        Dictionary<ExternalPerson, KnownAccount> known = [];
        foreach (var person in people)
        {
            known.Add(person, await WriteAsync(person, cancellationToken));
        }

        return known;
    }

    private async Task<KnownAccount> WriteAsync(ExternalPerson person, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await WriteOnceAsync(person, cancellationToken);
            }
            // Another request, here or on another replica, brought the organisation or the person first: the next attempt finds them.
            catch (DbUpdateException exception) when (attempt < MostAttempts && exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
            {
            }
        }
    }

    private async Task<KnownAccount> WriteOnceAsync(ExternalPerson person, CancellationToken cancellationToken)
    {
        await using var scope = _scopes.CreateAsyncScope();
        var accounts = scope.ServiceProvider.GetRequiredService<TenantContext>();
        var organisation = await FindOrganisationAsync(accounts, person, cancellationToken);
        var account = await FindAccountAsync(accounts, person, organisation, cancellationToken);
        account.OrganisationId = organisation.Id;
        account.Email = person.Email;
        account.Role = person.Role;
        account.IsOperator = person.IsOperator;
        account.Plan = person.Plan;
        // One transaction, with nothing in it when nothing has changed.
        await accounts.SaveChangesAsync(cancellationToken);
        return new KnownAccount(account.SecurityStamp!, Caller.ClaimsOf(account, organisation.Plan));
    }

    private async Task<Organisation> FindOrganisationAsync(TenantContext accounts, ExternalPerson person, CancellationToken cancellationToken)
    {
        var externalId = Key(person.Issuer, person.Organisation);
        var organisation = await accounts.Organisations.SingleOrDefaultAsync(row => row.ExternalId == externalId, cancellationToken);
        if (organisation is null)
        {
            var now = _time.GetUtcNow();
            organisation = new Organisation
            {
                Id = Guid.CreateVersion7(now),
                ExternalId = externalId,
                Name = Name(person),
                Plan = _plans.Value.Default,
                CreatedAt = now,
            };
            accounts.Organisations.Add(organisation);
        }

        organisation.Name = Name(person);
        return organisation;
    }

    private async Task<Account> FindAccountAsync(
        TenantContext accounts, ExternalPerson person, Organisation organisation, CancellationToken cancellationToken)
    {
        var account = await accounts.UserLogins
            .Where(login => login.LoginProvider == person.Issuer && login.ProviderKey == person.Subject)
            .Join(accounts.Users, login => login.UserId, user => user.Id, (_, user) => user)
            .SingleOrDefaultAsync(cancellationToken);
        if (account is not null)
        {
            return account;
        }

        var now = _time.GetUtcNow();
        // Without a normalized name and e-mail: nobody signs in with them here, and a local account with the same e-mail is somebody else.
        account = new Account
        {
            Id = Guid.CreateVersion7(now),
            UserName = Key(person.Issuer, person.Subject),
            OrganisationId = organisation.Id,
            CreatedAt = now,
            SecurityStamp = Guid.NewGuid().ToString("N"),
        };
        accounts.Users.Add(account);
        accounts.UserLogins.Add(new IdentityUserLogin<Guid> { LoginProvider = person.Issuer, ProviderKey = person.Subject, UserId = account.Id });
        return account;
    }

    private static string Name(ExternalPerson person) =>
        person.OrganisationName.Length <= AccountValidator.MaxNameCharacters ? person.OrganisationName : person.OrganisationName[..AccountValidator.MaxNameCharacters];

    // Different providers may use the same ids.
    private static string Key(string issuer, string id) => $"{issuer} {id}";
}
