using LlmAspire.Api.Identity;
using LlmAspire.Api.Identity.Data;
using LlmAspire.Usage;
using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace LlmAspire.Api.Data;

/// <summary>
/// What belongs to organisations and their people: schema <c>tenant</c> of the ledger's database, with a migrations history of its own. It
/// holds the data-protection keys too, which bearer tokens are made of, so that a token is good on every replica.
/// </summary>
public sealed class TenantContext(DbContextOptions<TenantContext> options) : IdentityUserContext<Account, Guid>(options), IDataProtectionKeyContext
{
    public const string Schema = "tenant";

    private const string MigrationsTable = "migrations";

    public DbSet<Organisation> Organisations => Set<Organisation>();

    public DbSet<Invitation> Invitations => Set<Invitation>();

    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();

    public DbSet<DataProtectionKey> DataProtectionKeys => Set<DataProtectionKey>();

    /// <summary>What every user of this context configures beyond the connection.</summary>
    public static void Configure(DbContextOptionsBuilder options) => options
        .UseNpgsql(npgsql => npgsql.MigrationsHistoryTable(MigrationsTable, Schema))
        .UseSnakeCaseNamingConvention()
        // As in the ledger: a failed statement is thrown to whoever can judge it; two registrations of one e-mail are no error of the Api.
        .ConfigureWarnings(warnings => warnings.Log(
            (RelationalEventId.CommandExecuted, LogLevel.Debug), (RelationalEventId.CommandError, LogLevel.Debug), (CoreEventId.SaveChangesFailed, LogLevel.Debug)));

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        base.ConfigureConventions(configurationBuilder);
        configurationBuilder.Properties<Role>().HaveConversion<LowerCaseConverter<Role>>();
        configurationBuilder.Properties<Plan>().HaveConversion<LowerCaseConverter<Plan>>();
    }

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        builder.HasDefaultSchema(Schema);
        builder.Entity<IdentityUserClaim<Guid>>().ToTable("account_claim");
        builder.Entity<IdentityUserLogin<Guid>>().ToTable("account_login");
        builder.Entity<IdentityUserToken<Guid>>().ToTable("account_token");
        builder.Entity<DataProtectionKey>().ToTable("data_protection_key");
        builder.Entity<Account>(account =>
        {
            account.ToTable("account");
            account.HasIndex(row => row.NormalizedUserName).HasDatabaseName("ix_account_normalized_user_name").IsUnique();
            account.HasIndex(row => row.NormalizedEmail).HasDatabaseName("ix_account_normalized_email").IsUnique();
            account.HasOne(row => row.Organisation).WithMany().HasForeignKey(row => row.OrganisationId).OnDelete(DeleteBehavior.Restrict);
        });
        builder.Entity<Organisation>(organisation =>
        {
            organisation.ToTable("organisation");
            organisation.Property(row => row.Name).HasMaxLength(AccountValidator.MaxNameCharacters);
            organisation.HasIndex(row => row.ExternalId).IsUnique();
        });
        builder.Entity<Invitation>(invitation =>
        {
            invitation.ToTable("invitation");
            invitation.HasIndex(row => row.TokenHash).IsUnique();
            invitation.HasOne<Organisation>().WithMany().HasForeignKey(row => row.OrganisationId).OnDelete(DeleteBehavior.Cascade);
        });
        builder.Entity<ApiKey>(key =>
        {
            key.ToTable("api_key");
            key.Property(row => row.Name).HasMaxLength(AccountValidator.MaxNameCharacters);
            key.HasIndex(row => row.Hash).IsUnique();
            key.HasOne<Account>().WithMany().HasForeignKey(row => row.AccountId).OnDelete(DeleteBehavior.Cascade);
        });
    }
}
