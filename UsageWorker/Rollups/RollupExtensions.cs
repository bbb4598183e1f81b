namespace LlmAspire.UsageWorker.Rollups;

public static class RollupExtensions
{
    /// <summary>Adds the worker that adds up the roll-ups of hours to those of days.</summary>
    public static TBuilder AddRollups<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<RollupOptions>().BindConfiguration("Rollups")
            .Validate(options => options.Grace >= TimeSpan.Zero && options.Interval > TimeSpan.Zero, "Rollups:Grace must not be negative, and Rollups:Interval must be positive.")
            .ValidateOnStart();
        builder.Services.AddLedgerWork<RollupWorker>();
        return builder;
    }
}
