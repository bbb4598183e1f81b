using LlmAspire.Usage;

namespace LlmAspire.UsageWorker.Reconciliation;

public static class ReconciliationExtensions
{
    /// <summary>Adds the worker that compares the ledger with the gateway's spend logs, and its metrics.</summary>
    public static TBuilder AddReconciliation<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<ReconciliationOptions>().BindConfiguration(ReconciliationOptions.Section)
            .Configure<IConfiguration>((options, configuration) =>
            {
                options.BaseUrl = Read(configuration, "LLM_BASE_URL");
                options.ApiKey = Read(configuration, "LLM_API_KEY");
            })
            .Validate(options => options.IsPossible, ReconciliationOptions.WhatIsPossible)
            .ValidateOnStart();
        // Its own time-out is the one that is set.
        builder.Services.AddHttpClient<SpendLogClient>(http => http.Timeout = Timeout.InfiniteTimeSpan);
        builder.Services.AddSingleton<Reconciler>();
        builder.Services.AddSingleton<ReconciliationMetrics>();
        builder.Services.AddLedgerWork<ReconciliationWorker>();
        return builder;
    }

    private static string? Read(IConfiguration configuration, string key) => configuration[key]?.Trim() is { Length: > 0 } value ? value : null;
}
