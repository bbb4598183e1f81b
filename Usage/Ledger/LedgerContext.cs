using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Usage;

/// <summary>The ledger's tables: schema <c>ledger</c>, with a migrations history of its own.</summary>
public sealed class LedgerContext(DbContextOptions<LedgerContext> options) : DbContext(options)
{
    /// <summary>The connection string's name.</summary>
    public const string ConnectionName = "llm";

    public const string Schema = "ledger";

    private const string MigrationsTable = "migrations";

    private static readonly string[] NeverNegative =
    [
        "prompt_tokens", "completion_tokens", "cached_prompt_tokens", "cache_write_tokens", "reasoning_tokens", "audio_prompt_tokens",
        "audio_completion_tokens", "attempts", "fallbacks", "ttft_ms", "duration_ms",
    ];

    /// <summary>The ledger. Read only: rows come from ingestion.</summary>
    public DbSet<UsageRow> Usage => Set<UsageRow>();

    public DbSet<InboxEntry> Inbox => Set<InboxEntry>();

    public DbSet<RejectedEvent> Rejected => Set<RejectedEvent>();

    /// <summary>What every user of this context configures beyond the connection.</summary>
    public static void Configure(DbContextOptionsBuilder options) => options
        .UseNpgsql(npgsql => npgsql.MigrationsHistoryTable(MigrationsTable, Schema))
        .UseSnakeCaseNamingConvention()
        // Statements are no news. Nor is the failure of one: it is thrown to whoever can judge it. The first migration always
        // has one, as it looks for its history where there is none yet.
        .ConfigureWarnings(warnings => warnings.Log(
            (RelationalEventId.CommandExecuted, LogLevel.Debug), (RelationalEventId.CommandError, LogLevel.Debug)));

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<UsageOperation>().HaveConversion<LowerCaseConverter<UsageOperation>>();
        configurationBuilder.Properties<UsageOutcome>().HaveConversion<LowerCaseConverter<UsageOutcome>>();
        configurationBuilder.Properties<UsageSource>().HaveConversion<LowerCaseConverter<UsageSource>>();
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(Schema);
        modelBuilder.Entity<UsageRow>(ConfigureUsage);
        modelBuilder.Entity<InboxEntry>(inbox =>
        {
            inbox.ToTable("usage_inbox");
            inbox.Property(entry => entry.Id).UseIdentityAlwaysColumn();
            inbox.Property(entry => entry.Event).HasColumnType("jsonb");
            inbox.Property(entry => entry.EnqueuedAt).HasDefaultValueSql("now()");
        });
        modelBuilder.Entity<RejectedEvent>(rejected =>
        {
            rejected.ToTable("usage_rejected");
            rejected.Property(entry => entry.Id).UseIdentityAlwaysColumn();
            rejected.Property(entry => entry.Event).HasColumnType("jsonb");
            rejected.Property(entry => entry.RejectedAt).HasDefaultValueSql("now()");
        });
    }

    private static void ConfigureUsage(EntityTypeBuilder<UsageRow> usage)
    {
        usage.ToTable("llm_usage", table =>
        {
            table.HasCheckConstraint("ck_llm_usage_operation", OneOf<UsageOperation>("operation"));
            table.HasCheckConstraint("ck_llm_usage_source", OneOf<UsageSource>("source"));
            table.HasCheckConstraint("ck_llm_usage_outcome", OneOf<UsageOutcome>("outcome"));
            table.HasCheckConstraint("ck_llm_usage_not_negative", string.Join(" AND ", NeverNegative.Select(column => $"{column} >= 0")));
            // Makes the id alone unique: PostgreSQL wants the partition key within the primary key.
            table.HasCheckConstraint("ck_llm_usage_created_at", $"created_at = {Schema}.uuid_v7_time(id)");
        });
        usage.HasKey(row => new { row.CreatedAt, row.Id });
        usage.Property(row => row.RecordedAt).HasDefaultValueSql("now()");
        usage.HasIndex(row => new { row.OrgId, row.CreatedAt });
        usage.HasIndex(row => new { row.UserId, row.CreatedAt });
        usage.HasIndex(row => row.RequestId);
        usage.HasIndex(row => row.TraceId);
        usage.HasIndex(row => row.ConversationId);
    }

    private static string OneOf<TEnum>(string column)
        where TEnum : struct, Enum =>
        $"{column} IN ({string.Join(", ", Enum.GetNames<TEnum>().Select(name => $"'{name.ToLowerInvariant()}'"))})";
}
