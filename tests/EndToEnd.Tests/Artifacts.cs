namespace LlmAspire.EndToEnd.Tests;

/// <summary>What a test run leaves for people to look at: screenshots and logs.</summary>
internal static class Artifacts
{
    /// <summary>The path of a file in <c>TestResults</c> beside the test assembly.</summary>
    public static string PathOf(string name) => Path.Combine(Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "TestResults")).FullName, name);
}
