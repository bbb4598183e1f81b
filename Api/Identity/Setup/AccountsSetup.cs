using LlmAspire.Api.Data;
using LlmAspire.Api.Identity.Data;
using LlmAspire.Api.Identity.Development;
using LlmAspire.Api.Identity.External;
using LlmAspire.Api.Plans;
using LlmAspire.Usage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Identity.Setup;

/// <summary>
/// After the migration: makes the first data-protection key, the first operator and, in Development only, the demo accounts. Several processes
/// may do so at once. It tries until it is done; until then <see cref="AccountsReadiness"/> says no.
/// </summary>
internal sealed partial class AccountsSetup(
    IServiceScopeFactory scopes,
    SchemaReadiness<TenantContext> schema,
    ILedgerReadiness ledger,
    AccountsReadiness readiness,
    IDataProtectionProvider protection,
    IHostEnvironment environment,
    IOptions<AccountOptions> options,
    IOptions<PlanOptions> plans,
    IOptions<ExternalIdentityOptions> external,
    TimeProvider time,
    ILogger<AccountsSetup> logger) : BackgroundService
{
    private const string OperatorsOrganisation = "Operators";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.WhenReadyAsync(stoppingToken);
        // Who one is comes with what is left of the allowance.
        await ledger.WhenReadyAsync(stoppingToken);
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), time);
        while (!readiness.IsReady)
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                await SetUpAsync(scope.ServiceProvider, stoppingToken);
                readiness.SetReady();
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                if (PostgresErrors.IsAway(exception))
                {
                    LogWaits(logger, PostgresErrors.Reason(exception), backoff.Next);
                }
                else
                {
                    LogNotSetUp(logger, exception, backoff.Next);
                }

                await backoff.WaitAsync(stoppingToken);
            }
        }
    }

    private async Task SetUpAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var accounts = services.GetRequiredService<TenantContext>();
        var users = services.GetRequiredService<UserManager<Account>>();
        await accounts.Database.CreateExecutionStrategy().ExecuteAsync(async () =>
        {
            accounts.ChangeTracker.Clear();
            await using var transaction = await accounts.Database.BeginTransactionAsync(cancellationToken);
            // One process after the other: each of them then finds what the one before has made.
            await accounts.Database.ExecuteSqlAsync($"LOCK TABLE tenant.organisation IN SHARE ROW EXCLUSIVE MODE", cancellationToken);
            // The first use makes a key and stores it, on a connection of its own.
            protection.CreateProtector(nameof(AccountsSetup)).Protect([]);
            if (environment.IsDevelopment() && !external.Value.IsUsed)
            {
                await AddDemoAccountsAsync(accounts, users, cancellationToken);
            }

            await AddFirstOperatorAsync(accounts, users, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        });
    }

    private static async Task AddDemoAccountsAsync(TenantContext accounts, UserManager<Account> users, CancellationToken cancellationToken)
    {
        foreach (var demo in DemoAccounts.Organisations)
        {
            if (!await accounts.Organisations.AnyAsync(row => row.Id == demo.Id, cancellationToken))
            {
                accounts.Organisations.Add(new Organisation { Id = demo.Id, Name = demo.Name, Plan = demo.Plan, CreatedAt = demo.CreatedAt });
            }
        }

        await accounts.SaveChangesAsync(cancellationToken);
        foreach (var demo in DemoAccounts.All)
        {
            if (await users.FindByIdAsync(demo.Id.ToString()) is null)
            {
                Require(await users.CreateAsync(demo.ToAccount(), DemoAccounts.Password));
            }
        }
    }

    private async Task AddFirstOperatorAsync(TenantContext accounts, UserManager<Account> users, CancellationToken cancellationToken)
    {
        if (options.Value.Operator is not { Email: { Length: > 0 } email, Password: { Length: > 0 } password }
            || await accounts.Users.AnyAsync(row => row.IsOperator, cancellationToken))
        {
            return;
        }

        // Anybody can register: an account that is there already is not made operator because of its e-mail.
        if (await users.FindByEmailAsync(email) is not null)
        {
            LogOperatorNotMade(logger, "an account with this e-mail exists already");
            return;
        }

        var now = time.GetUtcNow();
        var organisation = new Organisation { Id = Guid.CreateVersion7(now), Name = OperatorsOrganisation, Plan = plans.Value.Default, CreatedAt = now };
        var account = Account.Create(email, organisation.Id, Role.Admin, now);
        account.IsOperator = true;
        accounts.Organisations.Add(organisation);
        Require(await users.CreateAsync(account, password));
        LogOperatorMade(logger, account.Id);
    }

    private static void Require(IdentityResult result)
    {
        if (!result.Succeeded)
        {
            throw new InvalidOperationException($"Identity refuses the account: {string.Join(' ', result.Errors.Select(error => error.Description))}");
        }
    }

    [LoggerMessage(LogLevel.Information, "The accounts wait for PostgreSQL ({Reason}), trying again in {Wait}")]
    private static partial void LogWaits(ILogger logger, string reason, TimeSpan wait);

    [LoggerMessage(LogLevel.Error, "The accounts cannot be set up, trying again in {Wait}")]
    private static partial void LogNotSetUp(ILogger logger, Exception exception, TimeSpan wait);

    [LoggerMessage(LogLevel.Information, "Made the first operator of this installation, account {Account}")]
    private static partial void LogOperatorMade(ILogger logger, Guid account);

    [LoggerMessage(LogLevel.Error, "The operator of Identity:Operator was not made: {Reason}")]
    private static partial void LogOperatorNotMade(ILogger logger, string reason);
}
