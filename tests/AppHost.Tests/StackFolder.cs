namespace LlmAspire.AppHost.Tests;

/// <summary>The data of a stack of one's own, deleted at the end.</summary>
public sealed class StackFolder : IDisposable
{
    public string Path { get; } = DataDirectory.Create();

    /// <summary>The arguments of an AppHost that keeps its data here.</summary>
    public string[] Arguments =>
    [
        $"Stack:DataDirectory={Path}",
        "Parameters:postgres-password=process-test",
        "Parameters:litellm-master-key=process-test",
    ];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
