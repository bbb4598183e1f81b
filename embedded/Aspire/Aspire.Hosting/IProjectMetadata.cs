namespace Aspire.Hosting;

/// <summary>Where a project is. The classes of the <c>Projects</c> namespace, made by the build, have it.</summary>
public interface IProjectMetadata
{
    /// <summary>The path of the project file.</summary>
    string ProjectPath { get; }
}
