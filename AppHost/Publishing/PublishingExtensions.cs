namespace LlmAspire.AppHost.Publishing;

/// <summary>What a deployment has beyond a run, whatever publishes it.</summary>
internal static class PublishingExtensions
{
    /// <summary>
    /// Asks the deployment for the account that runs a new installation, which <c>api</c> makes at its first start. Left empty, nobody does.
    /// A run on one's own machine has demo accounts instead.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithFirstOperator(this IResourceBuilder<ProjectResource> api)
    {
        var builder = api.ApplicationBuilder;

        return builder.ExecutionContext.IsRunMode
            ? api
            : api
                .WithEnvironment("Identity__Operator__Email", builder.AddParameter("operator-email"))
                .WithEnvironment("Identity__Operator__Password", builder.AddParameter("operator-password", secret: true));
    }

    /// <summary>
    /// Why publishing would write nothing, and what to do; null when it does. Without a compute environment Aspire says that the pipeline succeeded, and
    /// leaves no file. The manifest, which azd reads, needs none.
    /// </summary>
    public static string? FindPublishingObstacle(this IDistributedApplicationBuilder builder) =>
        builder.ExecutionContext.IsRunMode
        || builder.Configuration["Publishing:Publisher"] == "manifest"
        || builder.Resources.OfType<IComputeEnvironmentResource>().Any()
            ? null
            : "Nothing to publish to: the AppHost names no compute environment. Use azd up, or add Docker Compose, Kubernetes or Azure in three lines: docs/deployment.md.";
}
