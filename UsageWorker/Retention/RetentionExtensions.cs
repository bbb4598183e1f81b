using LlmAspire.Usage;

namespace LlmAspire.UsageWorker.Retention;

public static class RetentionExtensions
{
    /// <summary>Adds the workers that delete what the ledger keeps no longer, as <c>Retention</c> says.</summary>
    public static TBuilder AddRetention<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<RetentionOptions>().BindConfiguration(RetentionOptions.Section)
            .Validate(options => options.IsPossible, RetentionOptions.WhatIsPossible)
            .ValidateOnStart();
        builder.Services.AddSingleton<HourFolding>();
        builder.Services.AddLedgerWork<RetentionWorker>();
        builder.Services.AddLedgerWork<OldRowsWorker>();
        builder.Services.AddLedgerWork<HourlyRollupWorker>();
        return builder;
    }
}
