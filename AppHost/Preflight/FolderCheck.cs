namespace LlmAspire.AppHost.Preflight;

/// <summary>
/// Looks whether the folders can be written that a run needs. The orchestrator keeps its files in the user's home and in the folder of temporary files, and waits for
/// ever when it cannot.
/// </summary>
internal static class FolderCheck
{
    /// <summary>Which folder cannot be written, and what to do; null when all can.</summary>
    /// <param name="dataDirectory">Where the stack keeps its files.</param>
    public static string? FindError(string dataDirectory) =>
        FindError("home", Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), OperatingSystem.IsWindows() ? "USERPROFILE" : "HOME")
        ?? FindError("temporary", Path.GetTempPath(), OperatingSystem.IsWindows() ? "TEMP" : "TMPDIR")
        ?? FindError("data", dataDirectory, "Stack:DataDirectory");

    internal static string? FindError(string which, string folder, string setting)
    {
        try
        {
            if (folder.Length == 0)
            {
                return $"There is no {which} folder. Set {setting} to one that you can write.";
            }

            // As those do who use it: it is made, and a folder in it.
            var probe = Path.Combine(folder, $".llmaspire-{Guid.NewGuid():N}");
            Directory.CreateDirectory(probe);
            Directory.Delete(probe);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"The {which} folder '{folder}' cannot be written: {exception.Message} Set {setting} to a folder that you can write.";
        }
    }
}
