namespace LlmAspire.EndToEnd.Tests;

/// <summary>What a test run leaves for people to look at: screenshots and logs.</summary>
internal static class Artifacts
{
    /// <summary>The path of a file in <c>TestResults</c> beside the test assembly.</summary>
    public static string PathOf(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "TestResults", name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }
}
