using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;

namespace Aspire.Hosting;

/// <summary>Adds .NET projects.</summary>
public static class ProjectResourceBuilderExtensions
{
    /// <summary>Adds a project that the AppHost references, with the endpoints and the environment of its first launch profile.</summary>
    /// <typeparam name="TProject">The class of the project in the <c>Projects</c> namespace.</typeparam>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, [ResourceName] string name)
        where TProject : IProjectMetadata, new()
    {
        var projectPath = new TProject().ProjectPath;
        var targetPath = ProjectOutputAttribute.Of(typeof(TProject));
        var profile = LaunchProfile.Read(projectPath);
        var project = builder.AddResource(new ProjectResource(name))
            .WithAnnotation(new ProjectAnnotation(projectPath, targetPath, profile))
            .WithOtlpExporter();

        foreach (var url in profile?.Urls ?? [])
        {
            project.WithAnnotation(new EndpointAnnotation(ProtocolType.Tcp, url.Scheme, name: url.Scheme, port: url.Port));
        }

        return project;
    }
}
