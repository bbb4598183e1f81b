namespace Aspire.Hosting.ApplicationModel;

/// <summary>The base of every resource.</summary>
/// <param name="name">Its name, unique in the application.</param>
public abstract class Resource(string name) : IResource
{
    /// <inheritdoc/>
    public virtual string Name { get; } = name;

    /// <inheritdoc/>
    public virtual ResourceAnnotationCollection Annotations { get; } = [];
}

/// <summary>A .NET project.</summary>
/// <param name="name">The name of the resource.</param>
public class ProjectResource(string name)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport;

/// <summary>A container. It can be described, so that the same application compiles, but not run.</summary>
/// <param name="name">The name of the resource.</param>
/// <param name="entrypoint">The entry point; the image's own when null.</param>
public class ContainerResource(string name, string? entrypoint = null)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport
{
    /// <summary>The entry point; the image's own when null.</summary>
    public string? Entrypoint { get; set; } = entrypoint;
}

/// <summary>A program of this machine.</summary>
/// <param name="name">The name of the resource.</param>
/// <param name="command">The program.</param>
/// <param name="workingDirectory">The folder it runs in.</param>
public class ExecutableResource(string name, string command, string workingDirectory)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport
{
    /// <summary>The program.</summary>
    public string Command { get; } = command;

    /// <summary>The folder it runs in.</summary>
    public string WorkingDirectory { get; } = workingDirectory;
}
