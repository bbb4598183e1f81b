using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Usage;

/// <summary>Adds the ledger to a service.</summary>
public static class LedgerExtensions
{
    /// <summary>
    /// Adds <see cref="LedgerContext"/>, an <see cref="Npgsql.NpgsqlDataSource"/> on the same connection string <c>llm</c>, the
    /// migration at start, <see cref="ILedgerReadiness"/> and the health check <c>ledger</c>.
    /// </summary>
    public static TBuilder AddLedger<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        // The context's own health check goes through its retries and takes a minute to say that PostgreSQL is away.
        builder.AddNpgsqlDbContext<LedgerContext>(
            LedgerContext.ConnectionName, settings => settings.DisableHealthChecks = true, LedgerContext.Configure);
        // The connection string is read when the source is first used, as the context's is.
        builder.Services.AddNpgsqlDataSource("", (services, source) => source.ConnectionStringBuilder.ConnectionString =
            services.GetRequiredService<IConfiguration>().GetConnectionString(LedgerContext.ConnectionName)
            ?? throw new InvalidOperationException($"No connection string 'ConnectionStrings:{LedgerContext.ConnectionName}' was given."));

        // At Information it logs each statement, those of the polling too.
        builder.Logging.AddFilter("Npgsql.Command", LogLevel.Warning);

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<LedgerReadiness>();
        builder.Services.AddSingleton<ILedgerReadiness>(services => services.GetRequiredService<LedgerReadiness>());
        builder.Services.AddHostedService<LedgerMigrator>();
        builder.Services.AddHealthChecks().AddCheck<LedgerHealthCheck>("ledger");
        return builder;
    }

    /// <summary>Adds <see cref="IUsageEventWriter"/>. Needs <see cref="AddLedger"/>.</summary>
    public static TBuilder AddUsageEventWriter<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddSingleton<InboxWriter>();
        builder.Services.AddSingleton<IUsageEventWriter>(services => services.GetRequiredService<InboxWriter>());
        builder.Services.AddHostedService(services => services.GetRequiredService<InboxWriter>());
        return builder;
    }

    /// <summary>Adds <see cref="UsageIngestion"/>. Needs <see cref="AddLedger"/>.</summary>
    public static TBuilder AddUsageIngestion<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddSingleton<UsageIngestion>();
        return builder;
    }
}
