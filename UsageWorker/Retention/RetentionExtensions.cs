namespace LlmAspire.UsageWorker.Retention;

public static class RetentionExtensions
{
    /// <summary>Adds the worker that drops the rows of old months, when <c>Retention:Months</c> says so.</summary>
    public static TBuilder AddRetention<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<RetentionOptions>().BindConfiguration("Retention")
            .Validate(options => options.Months is null or >= 1 && options.Interval > TimeSpan.Zero, "Retention:Months must be at least 1, or not set, and Retention:Interval positive.")
            .ValidateOnStart();
        builder.Services.AddLedgerWork<RetentionWorker>();
        return builder;
    }
}
