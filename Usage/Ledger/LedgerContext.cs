using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Usage;

/// <summary>
/// The ledger's tables: schema <c>ledger</c>, with a migrations history of its own. The inbox, which only SQL reads and writes, is in the migrations alone.
/// </summary>
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

    /// <summary>More than any call can have: beyond it a number is an error, and one row could spoil the sums of a month.</summary>
    private const long ImplausibleTokens = 1_000_000_000_000;

    private static readonly string[] UnknownWhenInterrupted =
    [
        "source = 'none'", "prompt_tokens = 0", "completion_tokens = 0", "provider IS NULL", "served_model IS NULL", "cached_prompt_tokens IS NULL",
        "cache_write_tokens IS NULL", "reasoning_tokens IS NULL", "audio_prompt_tokens IS NULL", "audio_completion_tokens IS NULL",
    ];

    /// <summary>The ledger. Read only: rows come from ingestion.</summary>
    public DbSet<UsageRow> Usage => Set<UsageRow>();

    public DbSet<RejectedEvent> Rejected => Set<RejectedEvent>();

    public DbSet<OpenCall> OpenCalls => Set<OpenCall>();

    public DbSet<ApiInstance> ApiInstances => Set<ApiInstance>();

    public DbSet<OrgRollup> OrgRollups => Set<OrgRollup>();

    public DbSet<UserRollup> UserRollups => Set<UserRollup>();

    public DbSet<Allowance> Allowances => Set<Allowance>();

    /// <summary>What every user of this context configures beyond the connection.</summary>
    public static void Configure(DbContextOptionsBuilder options) => options
        .UseNpgsql(npgsql => npgsql.MigrationsHistoryTable(MigrationsTable, Schema))
        .UseSnakeCaseNamingConvention()
        // Statements are no news. Nor is the failure of one: it is thrown to whoever can judge it. The first migration always
        // has one, as it looks for its history where there is none yet.
        .ConfigureWarnings(warnings => warnings.Log(
            (RelationalEventId.CommandExecuted, LogLevel.Debug),
            (RelationalEventId.CommandError, LogLevel.Debug),
            (RelationalEventId.ConnectionError, LogLevel.Debug)));

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
        modelBuilder.Entity<RejectedEvent>(rejected =>
        {
            rejected.ToTable("usage_rejected");
            rejected.Property(entry => entry.Id).UseIdentityAlwaysColumn();
            rejected.Property(entry => entry.Event).HasColumnType("jsonb");
            rejected.Property(entry => entry.RejectedAt).HasDefaultValueSql("now()");
        });
        modelBuilder.Entity<OpenCall>(call =>
        {
            call.Ignore(row => row.AllowanceLimit);
            call.ToTable("open_call");
            call.Property(row => row.OpenedAt).HasDefaultValueSql("now()");
        });
        modelBuilder.Entity<ApiInstance>(instance =>
        {
            instance.ToTable("api_instance");
            instance.Property(row => row.StartedAt).HasDefaultValueSql("now()");
            instance.Property(row => row.ReportedAt).HasDefaultValueSql("now()");
        });
        modelBuilder.Entity<OrgRollup>(rollup =>
        {
            rollup.ToTable("usage_rollup_org");
            rollup.HasKey(row => new { row.Hour, row.OrgId, row.Operation, row.ModelAlias, row.Provider, row.ServedModel, row.Source, row.Outcome });
            rollup.HasIndex(row => new { row.OrgId, row.Hour });
        });
        modelBuilder.Entity<UserRollup>(rollup =>
        {
            rollup.ToTable("usage_rollup_user");
            rollup.HasKey(row => new { row.Hour, row.OrgId, row.UserId, row.Operation, row.ModelAlias, row.Provider, row.ServedModel, row.Source, row.Outcome });
            rollup.HasIndex(row => new { row.UserId, row.Hour });
        });
        modelBuilder.Entity<Allowance>(allowance =>
        {
            allowance.ToTable("allowance");
            allowance.HasKey(row => new { row.OrgId, row.Month });
        });
        modelBuilder.Entity<UsageRetention>(retention => retention.ToTable("usage_retention", table => table.HasCheckConstraint("ck_usage_retention_one", "id")));
    }

    private static void ConfigureUsage(EntityTypeBuilder<UsageRow> usage)
    {
        usage.ToTable("llm_usage", table =>
        {
            table.HasCheckConstraint("ck_llm_usage_operation", OneOf<UsageOperation>("operation"));
            table.HasCheckConstraint("ck_llm_usage_source", OneOf<UsageSource>("source"));
            table.HasCheckConstraint("ck_llm_usage_outcome", OneOf<UsageOutcome>("outcome"));
            table.HasCheckConstraint("ck_llm_usage_not_negative", string.Join(" AND ", NeverNegative.Select(column => $"{column} >= 0")));
            table.HasCheckConstraint("ck_llm_usage_plausible", string.Join(" AND ", NeverNegative.Where(column => column.EndsWith("_tokens", StringComparison.Ordinal))
                .Select(column => $"{column} < {ImplausibleTokens}")));
            // Classes do not overlap: each token has one price.
            table.HasCheckConstraint("ck_llm_usage_within", TokenClassSql.AreWithin);
            // Not known where nothing is known of cache writes.
            table.HasCheckConstraint(
                "ck_llm_usage_cache_write_1h",
                "cache_write_1h_tokens IS NULL OR cache_write_tokens IS NOT NULL AND cache_write_1h_tokens BETWEEN 0 AND cache_write_tokens");
            // The sweeper's rows are provisional and know nothing: whoever replaces one knows what it added to the sums.
            table.HasCheckConstraint("ck_llm_usage_interrupted", $"outcome <> 'interrupted' OR ({string.Join(" AND ", UnknownWhenInterrupted)})");
            // Makes the id alone unique: PostgreSQL wants the partition key within the primary key.
            table.HasCheckConstraint("ck_llm_usage_created_at", $"created_at = {Schema}.uuid_v7_time(id)");
        });
        usage.HasKey(row => new { row.CreatedAt, row.Id });
        // Not the start of the transaction: whoever looks for writers that are under way has to find this one by then.
        usage.Property(row => row.RecordedAt).HasDefaultValueSql("clock_timestamp()");
        // The naming convention would say cache_write1h_tokens.
        usage.Property(row => row.CacheWrite1hTokens).HasColumnName("cache_write_1h_tokens");
        usage.HasIndex(row => new { row.OrgId, row.CreatedAt });
        usage.HasIndex(row => new { row.UserId, row.CreatedAt });
        usage.HasIndex(row => row.RequestId);
        usage.HasIndex(row => row.ConversationId);
        // Few, and looked for by every list of calls.
        usage.HasIndex(row => new { row.CreatedAt, row.Id }).HasDatabaseName("ix_llm_usage_provisional").HasFilter("provisional_recorded_at IS NOT NULL");
    }

    private static string OneOf<TEnum>(string column)
        where TEnum : struct, Enum =>
        $"{column} IN ({string.Join(", ", Enum.GetNames<TEnum>().Select(name => $"'{name.ToLowerInvariant()}'"))})";
}
