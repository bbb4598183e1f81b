namespace LlmAspire.AppHost.Tests;

/// <summary>The data of a stack of one's own, deleted at the end.</summary>
public sealed class StackFolder : IDisposable
{
    public StackFolder()
    {
        Path = Directory.CreateTempSubdirectory("llmaspire-apphost-").FullName;
        if (!OperatingSystem.IsWindows())
        {
            // Run as root, PostgreSQL runs as somebody else, who must get to its own folder in it.
            File.SetUnixFileMode(Path, (UnixFileMode)0b111_101_101);
        }
    }

    public string Path { get; }

    /// <summary>The arguments of an AppHost that keeps its data here.</summary>
    public string[] Arguments =>
    [
        $"Stack:DataDirectory={Path}",
        "Parameters:postgres-password=process-test",
        "Parameters:litellm-master-key=process-test",
    ];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
