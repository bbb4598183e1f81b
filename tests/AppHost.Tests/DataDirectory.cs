namespace LlmAspire.AppHost.Tests;

/// <summary>A folder for the data of one stack.</summary>
internal static class DataDirectory
{
    /// <summary>Open to read for others: run as root, PostgreSQL runs as somebody else, who must get to its own folder in it.</summary>
    public static string Create()
    {
        var folder = Directory.CreateTempSubdirectory("llmaspire-apphost-").FullName;
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        }

        return folder;
    }
}
