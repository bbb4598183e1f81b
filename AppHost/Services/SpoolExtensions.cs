using LlmAspire.AppHost.Stack;

namespace LlmAspire.AppHost.Services;

/// <summary>Where <c>api</c> keeps what PostgreSQL does not take.</summary>
internal static class SpoolExtensions
{
    /// <summary>A folder of the image's user, on a volume of its own in a deployment: the volume takes the folder's owner over.</summary>
    private const string DeployedFolder = "/home/app";

    private const string Volume = "spool";

    /// <summary>
    /// Gives the service a folder that outlives it: below the data of the stack, or on a volume, which every publisher that knows volumes of projects
    /// reads. One volume for each replica that is scheduled apart.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithSpool(this IResourceBuilder<ProjectResource> api, StackChoice stack) =>
        api.ApplicationBuilder.ExecutionContext.IsPublishMode
            ? api.WithEnvironment("Spool__Directory", $"{DeployedFolder}/{Volume}")
                .WithAnnotation(new ContainerMountAnnotation(Volume, DeployedFolder, ContainerMountType.Volume, isReadOnly: false))
            : api.WithEnvironment("Spool__Directory", Path.Combine(stack.DataDirectory, "spool"));
}
