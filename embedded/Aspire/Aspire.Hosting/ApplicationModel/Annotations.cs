using Aspire.Hosting.Orchestration;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Sets environment variables when the resource starts.</summary>
/// <param name="callback">Sets them.</param>
public class EnvironmentCallbackAnnotation(Func<EnvironmentCallbackContext, Task> callback) : IResourceAnnotation
{
    /// <summary>Sets them.</summary>
    public Func<EnvironmentCallbackContext, Task> Callback { get; } = callback;
}

/// <summary>The environment variables of a resource that starts.</summary>
/// <param name="executionContext">What the application is doing.</param>
/// <param name="environmentVariables">The variables; a value is a string or a <see cref="IValueProvider"/>.</param>
/// <param name="cancellationToken">Ends the start.</param>
public class EnvironmentCallbackContext(
    DistributedApplicationExecutionContext executionContext,
    Dictionary<string, object>? environmentVariables = null,
    CancellationToken cancellationToken = default)
{
    private readonly IResource? _resource;

    /// <param name="executionContext">What the application is doing.</param>
    /// <param name="resource">What starts.</param>
    /// <param name="environmentVariables">The variables; a value is a string or a <see cref="IValueProvider"/>.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public EnvironmentCallbackContext(
        DistributedApplicationExecutionContext executionContext,
        IResource resource,
        Dictionary<string, object>? environmentVariables = null,
        CancellationToken cancellationToken = default)
        : this(executionContext, environmentVariables, cancellationToken) => _resource = resource;

    /// <summary>What starts.</summary>
    /// <exception cref="InvalidOperationException">The context was made without it.</exception>
    public IResource Resource => _resource ?? throw new InvalidOperationException("The context is of no resource.");

    /// <summary>What the application is doing.</summary>
    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;

    /// <summary>The variables; a value is a string or a <see cref="IValueProvider"/>.</summary>
    public Dictionary<string, object> EnvironmentVariables { get; } = environmentVariables ?? [];

    /// <summary>Ends the start.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;
}

/// <summary>Adds arguments when the resource starts.</summary>
/// <param name="callback">Adds them.</param>
public class CommandLineArgsCallbackAnnotation(Func<CommandLineArgsCallbackContext, Task> callback) : IResourceAnnotation
{
    /// <summary>Adds them.</summary>
    public Func<CommandLineArgsCallbackContext, Task> Callback { get; } = callback;
}

/// <summary>The arguments of a resource that starts.</summary>
/// <param name="args">The arguments; each is a string or a <see cref="IValueProvider"/>.</param>
/// <param name="cancellationToken">Ends the start.</param>
public sealed class CommandLineArgsCallbackContext(IList<object> args, CancellationToken cancellationToken = default)
{
    /// <summary>The arguments; each is a string or a <see cref="IValueProvider"/>.</summary>
    public IList<object> Args { get; } = args;

    /// <summary>Ends the start.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;
}

/// <summary>The resource starts when another is healthy.</summary>
/// <param name="resource">The other.</param>
/// <param name="waitType">What is waited for.</param>
public sealed class WaitAnnotation(IResource resource, WaitType waitType) : IResourceAnnotation
{
    /// <summary>The other.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>What is waited for.</summary>
    public WaitType WaitType { get; } = waitType;
}

/// <summary>What a resource can wait for.</summary>
public enum WaitType
{
    /// <summary>That the other runs and its health checks pass.</summary>
    WaitUntilHealthy,
}

/// <summary>A health check of the resource.</summary>
/// <param name="key">Its name among the health checks of the application.</param>
public class HealthCheckAnnotation(string key) : IResourceAnnotation
{
    /// <summary>Its name among the health checks of the application.</summary>
    public string Key { get; } = key;
}

/// <summary>A URL of the resource, for people.</summary>
public sealed class ResourceUrlAnnotation : IResourceAnnotation
{
    /// <summary>The URL.</summary>
    public required string Url { get; set; }

    /// <summary>What to call it.</summary>
    public string? DisplayText { get; set; }

    /// <summary>The endpoint that it is of.</summary>
    public EndpointReference? Endpoint { get; init; }
}

/// <summary>Marks the parameter that is the name of a resource.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class ResourceNameAttribute : Attribute;

internal sealed record ResourceUrlsCallbackAnnotation(Action<ResourceUrlAnnotation> Callback, string EndpointName) : IResourceAnnotation;

internal sealed record ProjectAnnotation(string ProjectPath, string TargetPath, LaunchProfile? LaunchProfile) : IResourceAnnotation;
