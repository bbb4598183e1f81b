using System.Reflection;

namespace Aspire.Hosting.Orchestration;

/// <summary>The built assembly of a project, said by the build on its class in the <c>Projects</c> namespace.</summary>
/// <param name="path">The path of the assembly.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ProjectOutputAttribute(string path) : Attribute
{
    /// <summary>The path of the assembly.</summary>
    public string Path { get; } = path;

    internal static string Of(Type project) =>
        project.GetCustomAttribute<ProjectOutputAttribute>()?.Path
        ?? throw new DistributedApplicationException($"{project.FullName} does not say where its output is: is it made by embedded/Aspire/AppHost.targets?");
}
