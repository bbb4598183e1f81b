using Microsoft.Extensions.Logging;

namespace LlmAspire.AppHost.Commands;

/// <summary>The environment of a resource, as it is given to its process.</summary>
internal static class ResourceEnvironment
{
    /// <summary>Reads the variables with their values. The resources that they speak of must have been started.</summary>
    /// <exception cref="DistributedApplicationException">When a value cannot be found.</exception>
    public static async Task<IReadOnlyDictionary<string, string>> ReadEnvironmentAsync(
        this IResource resource, DistributedApplicationExecutionContext execution, ILogger logger, CancellationToken cancellationToken)
    {
        var configuration = await ExecutionConfigurationBuilder.Create(resource).WithEnvironmentVariablesConfig().BuildAsync(execution, logger, cancellationToken);

        return configuration.Exception is null
            ? configuration.EnvironmentVariables.ToDictionary()
            : throw new DistributedApplicationException($"The environment of '{resource.Name}' cannot be read: {configuration.Exception.Message}", configuration.Exception);
    }
}
