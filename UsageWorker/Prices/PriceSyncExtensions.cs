using LlmAspire.Usage;

namespace LlmAspire.UsageWorker.Prices;

public static class PriceSyncExtensions
{
    /// <summary>Adds the worker that takes the gateway's prices over into the ledger.</summary>
    public static TBuilder AddPriceSync<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<PriceSyncOptions>().BindConfiguration(PriceSyncOptions.Section)
            .Configure<IConfiguration>((options, configuration) =>
            {
                options.BaseUrl = Read(configuration, "LLM_BASE_URL");
                options.ApiKey = Read(configuration, "LLM_API_KEY");
            })
            .Validate(options => options.IsPossible, PriceSyncOptions.WhatIsPossible)
            .ValidateOnStart();
        // Its own time-out is the one that is set.
        builder.Services.AddHttpClient<GatewayPriceClient>(http => http.Timeout = Timeout.InfiniteTimeSpan);
        builder.Services.AddSingleton<PriceSync>();
        builder.Services.AddLedgerWork<PriceSyncWorker>();
        return builder;
    }

    private static string? Read(IConfiguration configuration, string key) => configuration[key]?.Trim() is { Length: > 0 } value ? value : null;
}
