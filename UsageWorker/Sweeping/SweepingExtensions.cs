namespace LlmAspire.UsageWorker.Sweeping;

public static class SweepingExtensions
{
    /// <summary>Adds the worker that gives up open calls which nobody runs any more.</summary>
    public static TBuilder AddSweeping<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<SweeperOptions>().BindConfiguration("Sweeper")
            .Validate(options => options.Interval > TimeSpan.Zero && options.Grace >= TimeSpan.Zero, "Sweeper:Interval must be positive, Sweeper:Grace not negative.")
            .ValidateOnStart();
        builder.Services.AddLedgerWork<SweepWorker>();
        return builder;
    }
}
