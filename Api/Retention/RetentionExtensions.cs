namespace LlmAspire.Api.Retention;

internal static class RetentionExtensions
{
    /// <summary>Adds the work that deletes what the schema <c>tenant</c> keeps no longer, and folds the stored events of answers, as <c>Retention</c> says.</summary>
    public static TBuilder AddRetention<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<RetentionOptions>().BindConfiguration(RetentionOptions.Section)
            .Validate(options => options.IsPossible, RetentionOptions.WhatIsPossible)
            .ValidateOnStart();
        builder.Services.AddHostedService<RetentionWork>();
        return builder;
    }
}
