namespace LlmAspire.AppHost.Preflight;

/// <summary>The orchestrator keeps its files in the user's home and in the folder of temporary files, and waits for ever when it cannot.</summary>
internal static class HomeCheck
{
    /// <summary>Which folder cannot be written, and what to do; null when both can.</summary>
    public static string? FindError() =>
        FindError("home", Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), OperatingSystem.IsWindows() ? "USERPROFILE" : "HOME")
        ?? FindError("temporary", Path.GetTempPath(), OperatingSystem.IsWindows() ? "TEMP" : "TMPDIR");

    internal static string? FindError(string which, string folder, string variable)
    {
        try
        {
            if (folder.Length == 0)
            {
                return $"There is no {which} folder. Set {variable} to one that you can write.";
            }

            // As the orchestrator does: it makes the folder, and a folder in it.
            var probe = Path.Combine(folder, $".llmaspire-{Guid.NewGuid():N}");
            Directory.CreateDirectory(probe);
            Directory.Delete(probe);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"The {which} folder '{folder}' cannot be written: {exception.Message} Set {variable} to a folder that you can write.";
        }
    }
}
