namespace LlmAspire.EmbeddedPostgres.Tests;

/// <summary>A folder that goes with the test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder()
    {
        Directory.CreateDirectory(Path);
        if (!OperatingSystem.IsWindows())
        {
            // As an ordinary folder of a clone: others may pass.
            File.SetUnixFileMode(Path, (UnixFileMode)0b111_101_101);
        }
    }

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"llmaspire-test-{Guid.NewGuid():N}");

    /// <summary>A cluster folder within it.</summary>
    public string Cluster => System.IO.Path.Combine(Path, ".data", "postgres");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
