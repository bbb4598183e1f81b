using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Usage;

/// <summary>Adds the ledger to a service.</summary>
public static class LedgerExtensions
{
    /// <summary>
    /// Adds <see cref="LedgerContext"/>, an <see cref="Npgsql.NpgsqlDataSource"/> on the same connection string <c>llm</c>, two more with the keys
    /// <see cref="ConnectionPool.Reading"/> and <see cref="ConnectionPool.Sessions"/>, the migration at start, <see cref="ILedgerReadiness"/> and the health checks <c>ledger</c> and <c>clock</c>.
    /// </summary>
    public static TBuilder AddLedger<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        // The context's own health check goes through its retries and takes a minute to say that PostgreSQL is away.
        builder.AddNpgsqlDbContext<LedgerContext>(
            LedgerContext.ConnectionName,
            settings =>
            {
                settings.DisableHealthChecks = true;
                settings.ConnectionString = ConnectionPool.ForContexts(settings.ConnectionString);
            },
            LedgerContext.Configure);
        builder.Services.AddSource(null, text => ConnectionPool.WithDefaults(text));
        builder.Services.AddSource(ConnectionPool.Sessions, text => ConnectionPool.WithDefaults(text, ConnectionPool.SessionsSize, ConnectionPool.Sessions));
        builder.Services.AddSource(ConnectionPool.Reading, ConnectionPool.ForReading);

        // At Information it logs each statement, those of the polling too.
        builder.Logging.AddFilter("Npgsql.Command", LogLevel.Warning);

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<LedgerReadiness>();
        builder.Services.AddSingleton<ILedgerReadiness>(services => services.GetRequiredService<LedgerReadiness>());
        builder.Services.AddSingleton<SchemaReadiness<LedgerContext>>(services => services.GetRequiredService<LedgerReadiness>());
        builder.Services.AddHostedService<SchemaMigrator<LedgerContext>>();
        builder.Services.AddSingleton<Pins>();
        builder.Services.AddSingleton<PriceRegistry>();
        builder.Services.AddSingleton<PricePreview>();
        builder.Services.AddSingleton<UsageReports>();
        builder.Services.AddSingleton<UsageCalls>();
        builder.Services.AddSingleton<UsageLatencies>();
        builder.Services.AddSingleton<UsageExport>();
        builder.Services.AddSingleton<InvoiceRegistry>();
        builder.Services.AddSingleton<ReconciliationReport>();
        builder.Services.AddHealthChecks().AddCheck<LedgerHealthCheck>(LedgerHealthCheck.Name)
            .AddCheck<ClockHealthCheck>(ClockHealthCheck.Name, HealthStatus.Degraded);
        return builder;
    }

    /// <summary>
    /// Adds <see cref="ICallOpener"/> and <see cref="IUsageEventWriter"/>, with the spool that takes the place of PostgreSQL while it is away, the
    /// reports that this process lives, and the health checks <c>durability</c> and <c>ingestion</c>. The health check <c>ledger</c> only degrades from now on.
    /// Needs <see cref="AddLedger"/>.
    /// </summary>
    public static TBuilder AddUsageWriters<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        services.AddOptions<DurabilityOptions>().BindConfiguration(DurabilityOptions.Section)
            .Validate(options => options.IsPossible, DurabilityOptions.WhatIsPossible).ValidateOnStart();
        services.AddOptions<SpoolOptions>().BindConfiguration(SpoolOptions.Section)
            .Validate(
                options => options.Directory.Length > 0 && options.MaxBytes > 0 && options.AdoptionInterval > TimeSpan.Zero,
                "Spool:Directory must name a folder; Spool:MaxBytes and Spool:AdoptionInterval must be greater than 0.").ValidateOnStart();
        services.AddSource(PostgresProbe.Key, ConnectionPool.ForProbe);
        services.AddSingleton<PostgresProbe>();
        services.AddSingleton<PostgresState>();
        services.AddSingleton<RunningCalls>();
        services.AddSingleton<HeldSpools>();
        services.AddSingleton<SpoolFile>();
        services.AddSingleton<SpoolSender>();
        services.AddSingleton<DurabilityMetrics>();
        services.AddSingleton<InboxTable>();
        services.AddSingleton<OpenCallTable>();
        services.AddSingleton<OutageAdmission>();
        services.AddSingleton<UsageEventWriter>();
        services.AddSingleton<IUsageEventWriter>(provider => provider.GetRequiredService<UsageEventWriter>());
        services.AddSingleton<CallOpener>();
        services.AddSingleton<ICallOpener>(provider => provider.GetRequiredService<CallOpener>());
        services.AddHostedService<LivenessReporter>();
        services.AddHostedService<SpoolReplayer>();
        services.AddHostedService(provider => provider.GetRequiredService<UsageEventWriter>());
        services.AddHostedService(provider => provider.GetRequiredService<CallOpener>());
        services.AddHealthChecks().AddCheck<DurabilityHealthCheck>("durability")
            .AddCheck<IngestionHealthCheck>(IngestionHealthCheck.Name, HealthStatus.Degraded);
        services.Configure<HealthCheckServiceOptions>(health =>
        {
            foreach (var check in health.Registrations.Where(check => check.Name == LedgerHealthCheck.Name))
            {
                check.FailureStatus = HealthStatus.Degraded;
            }
        });
        return builder;
    }

    /// <summary>
    /// Migrates the schema of another context of the same database at start, in the ledger's way; <see cref="SchemaReadiness{TContext}"/> says
    /// when it is there. Needs <see cref="AddLedger"/>.
    /// </summary>
    public static IServiceCollection AddSchemaMigration<TContext>(this IServiceCollection services)
        where TContext : DbContext
    {
        services.AddSingleton<SchemaReadiness<TContext>>();
        return services.AddHostedService<SchemaMigrator<TContext>>();
    }

    /// <summary>Adds <see cref="UsageIngestion"/>, <see cref="CallSweep"/>, <see cref="UsageSums"/> and <see cref="UsageDays"/>. Needs <see cref="AddLedger"/>.</summary>
    public static TBuilder AddUsageIngestion<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddSingleton<UsageIngestion>();
        builder.Services.AddSingleton<CallSweep>();
        builder.Services.AddSingleton<UsageSums>();
        builder.Services.AddSingleton<UsageDays>();
        return builder;
    }

    /// <summary>The connection string is read when the source is first used, as the contexts' is.</summary>
    private static void AddSource(this IServiceCollection services, string? key, Func<string?, string?> pool) => services.AddNpgsqlDataSource(
        "",
        (provider, source) => source.ConnectionStringBuilder.ConnectionString =
            pool(provider.GetRequiredService<IConfiguration>().GetConnectionString(LedgerContext.ConnectionName))
            ?? throw new InvalidOperationException($"No connection string 'ConnectionStrings:{LedgerContext.ConnectionName}' was given."),
        serviceKey: key);
}
