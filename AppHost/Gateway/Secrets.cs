namespace LlmAspire.AppHost.Gateway;

/// <summary>What only one resource may know. Every process of the stack inherits the environment of the AppHost.</summary>
internal static class Secrets
{
    private static readonly string[] Others = ["LLM_API_KEY", "Authentication__ClientSecret"];

    /// <summary>
    /// Takes provider keys and other secrets out of the environment of this process, after its configuration has read them: a key that a shell has set would
    /// reach every service, and not just the gateway.
    /// </summary>
    public static void RemoveFromEnvironment()
    {
        var parameters = Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(name => name.StartsWith("Parameters__", StringComparison.OrdinalIgnoreCase));
        foreach (var name in ProviderKeys.All.Select(key => key.EnvironmentVariable).Concat(Others).Concat(parameters).ToList())
        {
            Environment.SetEnvironmentVariable(name, null);
        }
    }
}
