namespace LlmAspire.AppHost.Tests;

/// <summary>Where the files of the solution are.</summary>
internal static class Solution
{
    /// <summary>The folder of the solution.</summary>
    public static string Folder { get; } = Path.GetFullPath(Path.Combine(Projects.AppHost.ProjectPath, ".."));
}
