using System.Linq.Expressions;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Identity.Data;
using LlmAspire.Api.Prompts.Data;
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

    /// <summary>The name of the query filter, for those that have a reason to leave it out.</summary>
    public const string TenantFilter = "tenant";

    private const string MigrationsTable = "migrations";

    /// <summary>Whose conversations, runs and prompts this lease sees; nobody's while it is null. Gone when the lease ends.</summary>
    public Tenant? Tenant { get; set; }

    // No row has the empty id.
    private Guid TenantOrg => Tenant?.OrgId ?? Guid.Empty;

    private Guid TenantUser => Tenant?.UserId ?? Guid.Empty;

    public DbSet<Organisation> Organisations => Set<Organisation>();

    public DbSet<Invitation> Invitations => Set<Invitation>();

    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();

    public DbSet<Conversation> Conversations => Set<Conversation>();

    public DbSet<Message> Messages => Set<Message>();

    public DbSet<Run> Runs => Set<Run>();

    public DbSet<RunBatch> RunBatches => Set<RunBatch>();

    public DbSet<Prompt> Prompts => Set<Prompt>();

    public DbSet<PromptVersion> PromptVersions => Set<PromptVersion>();

    public DbSet<DataProtectionKey> DataProtectionKeys => Set<DataProtectionKey>();

    public DbSet<WebKey> WebKeys => Set<WebKey>();

    /// <summary>What every user of this context configures beyond the connection.</summary>
    public static void Configure(DbContextOptionsBuilder options) => options
        .UseNpgsql(npgsql => npgsql.MigrationsHistoryTable(MigrationsTable, Schema))
        .UseSnakeCaseNamingConvention()
        // As in the ledger: a failed statement is thrown to whoever can judge it; two registrations of one e-mail are no error of the Api.
        // A search shows one of the messages that it finds in a conversation: any will do.
        .ConfigureWarnings(warnings => warnings.Ignore(CoreEventId.RowLimitingOperationWithoutOrderByWarning).Log(
            (RelationalEventId.CommandExecuted, LogLevel.Debug),
            (RelationalEventId.CommandError, LogLevel.Debug),
            (RelationalEventId.ConnectionError, LogLevel.Debug),
            (CoreEventId.SaveChangesFailed, LogLevel.Debug)));

    /// <summary>The first part of a text that is so; in queries only. <c>regexp_instr</c>, which tells where it is, needs PostgreSQL 15.</summary>
    public static string FirstMatch(string text, string pattern) => throw new InvalidOperationException("PostgreSQL does this, in a query.");

    /// <summary>Where a part of a text is for the first time, in code points, 1 at the beginning; in queries only.</summary>
    public static int PositionOf(string text, string part) => throw new InvalidOperationException("PostgreSQL does this, in a query.");

    // A pooled context lives on: disposing ends its lease.
    public override void Dispose()
    {
        Tenant = null;
        base.Dispose();
    }

    public override ValueTask DisposeAsync()
    {
        Tenant = null;
        return base.DisposeAsync();
    }

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        base.ConfigureConventions(configurationBuilder);
        configurationBuilder.Properties<Role>().HaveConversion<LowerCaseConverter<Role>>();
        configurationBuilder.Properties<Plan>().HaveConversion<LowerCaseConverter<Plan>>();
        configurationBuilder.Properties<MessageRole>().HaveConversion<LowerCaseConverter<MessageRole>>();
        configurationBuilder.Properties<MessageStatus>().HaveConversion<LowerCaseConverter<MessageStatus>>();
        configurationBuilder.Properties<PromptVisibility>().HaveConversion<LowerCaseConverter<PromptVisibility>>();
        configurationBuilder.Properties<TitleSource>().HaveConversion<LowerCaseConverter<TitleSource>>();
    }

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        builder.HasDefaultSchema(Schema);
        builder.HasDbFunction(() => FirstMatch("", "")).HasName("substring").IsBuiltIn();
        builder.HasDbFunction(() => PositionOf("", "")).HasName("strpos").IsBuiltIn();
        builder.Entity<IdentityUserClaim<Guid>>().ToTable("account_claim");
        builder.Entity<IdentityUserLogin<Guid>>().ToTable("account_login");
        builder.Entity<IdentityUserToken<Guid>>().ToTable("account_token");
        builder.Entity<DataProtectionKey>().ToTable("data_protection_key");
        builder.Entity<WebKey>().ToTable("web_key");
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
            invitation.HasOne<Account>().WithMany().HasForeignKey(row => row.InviterId).OnDelete(DeleteBehavior.Cascade);
        });
        builder.Entity<ApiKey>(key =>
        {
            key.ToTable("api_key");
            key.Property(row => row.Name).HasMaxLength(AccountValidator.MaxNameCharacters);
            key.HasIndex(row => row.Hash).IsUnique();
            key.HasOne<Account>().WithMany().HasForeignKey(row => row.AccountId).OnDelete(DeleteBehavior.Cascade);
        });
        ConfigureConversations(builder);
        ConfigureRuns(builder);
        ConfigurePrompts(builder);
    }

    private void ConfigureConversations(ModelBuilder builder)
    {
        builder.Entity<Conversation>(conversation =>
        {
            conversation.ToTable("conversation").HasQueryFilter(TenantFilter, IsTenants<Conversation>());
            conversation.Property(row => row.Id).ValueGeneratedNever();
            conversation.Property(row => row.Title).HasMaxLength(Conversation.MaxTitleCharacters);
            conversation.ComplexProperty(row => row.Prompt, prompt => prompt.Property(copy => copy.Name).HasMaxLength(Prompt.MaxNameCharacters));
            // As the list is sorted.
            conversation.HasIndex(row => new { row.UserId, row.Archived, row.Pinned, row.UpdatedAt, row.Id });
        });
        builder.Entity<Message>(message =>
        {
            message.ToTable("message").HasQueryFilter(TenantFilter, IsTenants<Message>());
            message.Property(row => row.Id).ValueGeneratedNever();
            message.Property(row => row.Error).HasColumnType("jsonb");
            message.Property(row => row.Usage).HasColumnType("jsonb");
            message.Property(row => row.Tools).HasColumnType("jsonb");
            message.HasIndex(row => row.ConversationId);
            message.HasOne<Conversation>().WithMany().HasForeignKey(row => row.ConversationId).OnDelete(DeleteBehavior.Cascade);
        });
    }

    private void ConfigureRuns(ModelBuilder builder)
    {
        builder.Entity<Run>(run =>
        {
            run.ToTable("run").HasQueryFilter(TenantFilter, IsTenants<Run>());
            run.Property(row => row.Id).ValueGeneratedNever();
            run.Property(row => row.Tools).HasColumnType("jsonb");
            run.Property(row => row.StartedAt).HasDefaultValueSql("now()");
            run.HasIndex(row => row.MessageId).IsUnique();
            run.HasIndex(row => row.ConversationId);
            run.HasIndex(row => row.StartedAt).HasFilter("state = 'running'");
            run.HasOne<Message>().WithMany().HasForeignKey(row => row.MessageId).OnDelete(DeleteBehavior.Cascade);
        });
        // Without a filter of its own: who may read the run, may read its events.
        builder.Entity<RunBatch>(batch =>
        {
            batch.ToTable("run_batch");
            batch.HasKey(row => new { row.RunId, row.Attempt, row.FirstSequence });
            batch.Property(row => row.Events).HasColumnType("jsonb");
            batch.HasOne<Run>().WithMany().HasForeignKey(row => row.RunId).OnDelete(DeleteBehavior.Cascade);
        });
    }

    private void ConfigurePrompts(ModelBuilder builder)
    {
        builder.Entity<Prompt>(prompt =>
        {
            prompt.ToTable("prompt").HasQueryFilter(
                TenantFilter, row => row.OrgId == TenantOrg && (row.UserId == TenantUser || row.Visibility == PromptVisibility.Organisation));
            prompt.Property(row => row.Id).ValueGeneratedNever();
            prompt.Property(row => row.Name).HasMaxLength(Prompt.MaxNameCharacters);
            prompt.Property(row => row.Version).IsConcurrencyToken();
            // As the list is sorted.
            prompt.HasIndex(row => new { row.OrgId, row.UpdatedAt, row.Id });
            prompt.HasIndex(row => row.UserId);
        });
        builder.Entity<PromptVersion>(version =>
        {
            // What was private when it was saved stays so.
            version.ToTable("prompt_version").HasQueryFilter(
                TenantFilter,
                row => row.Prompt.OrgId == TenantOrg && (row.Prompt.UserId == TenantUser
                    || (row.Visibility == PromptVisibility.Organisation && row.Prompt.Visibility == PromptVisibility.Organisation)));
            version.HasKey(row => new { row.PromptId, row.Number });
            version.Property(row => row.Name).HasMaxLength(Prompt.MaxNameCharacters);
            version.HasOne(row => row.Prompt).WithMany().HasForeignKey(row => row.PromptId).OnDelete(DeleteBehavior.Cascade);
        });
    }

    private Expression<Func<TRow, bool>> IsTenants<TRow>()
        where TRow : class, IOwned =>
        row => row.OrgId == TenantOrg && row.UserId == TenantUser;
}
