using Microsoft.Extensions.DependencyInjection.Extensions;

namespace LlmAspire.UsageWorker;

internal static class LedgerWorkExtensions
{
    /// <summary>Adds a hosted service that works on the ledger, and the <see cref="LedgerState"/> that all of them share.</summary>
    public static void AddLedgerWork<TWork>(this IServiceCollection services)
        where TWork : class, IHostedService
    {
        services.TryAddSingleton<LedgerState>();
        services.AddHostedService<TWork>();
    }
}
