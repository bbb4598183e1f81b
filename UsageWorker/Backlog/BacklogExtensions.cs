namespace LlmAspire.UsageWorker.Backlog;

public static class BacklogExtensions
{
    /// <summary>Adds metrics and the health check <c>backlog</c> of what waits in the ledger's tables.</summary>
    public static TBuilder AddBacklog<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<BacklogOptions>().BindConfiguration("Backlog")
            .Validate(options => options.Interval > TimeSpan.Zero, "Backlog:Interval must be positive.")
            .ValidateOnStart();
        builder.Services.AddLedgerWork<BacklogWatch>();
        builder.Services.AddHealthChecks().AddCheck<BacklogHealthCheck>(BacklogHealthCheck.Name);
        return builder;
    }
}
