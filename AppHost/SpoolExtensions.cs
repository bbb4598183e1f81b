namespace LlmAspire.AppHost;

/// <summary>Where <c>api</c> keeps what PostgreSQL does not take.</summary>
internal static class SpoolExtensions
{
    /// <summary>A folder of the image's user, on a volume of its own in a deployment: the volume takes the folder's owner over.</summary>
    public const string DeployedFolder = "/home/app";

    /// <summary>Gives the service a folder that outlives it: below the data of the stack, or on a volume.</summary>
    public static IResourceBuilder<ProjectResource> WithSpool(this IResourceBuilder<ProjectResource> api) => api.WithEnvironment(
        "Spool__Directory",
        api.ApplicationBuilder.ExecutionContext.IsPublishMode ? $"{DeployedFolder}/spool" : Path.Combine(api.ApplicationBuilder.DataDirectory(), "spool"));
}
