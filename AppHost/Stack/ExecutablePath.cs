namespace LlmAspire.AppHost.Stack;

/// <summary>Looks a program up on PATH.</summary>
internal static class ExecutablePath
{
    /// <summary>The full path of the program; null when PATH has none of that name.</summary>
    public static string? Find(string name)
    {
        string[] endings = OperatingSystem.IsWindows() ? [".exe", ".cmd"] : [""];

        return (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => endings.Select(ending => Path.Combine(folder, name + ending)))
            .FirstOrDefault(File.Exists);
    }
}
