namespace LlmAspire.DemoGateway.Configuration;

internal static class LiteLlmConfigExtensions
{
    /// <summary>Reads the options and <c>config.yaml</c> at once, so that a mistake in them ends the start.</summary>
    /// <exception cref="StartupException">A file or a value cannot be used.</exception>
    public static void AddLiteLlmConfig(this WebApplicationBuilder builder)
    {
        var options = GatewayOptions.Read(builder.Configuration);
        var contentRoot = builder.Environment.ContentRootPath;
        var path = options.ConfigPath is { Length: > 0 } configured ? Path.GetFullPath(configured, contentRoot) : Find(contentRoot);

        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(LiteLlmConfigReader.ReadFile(path, name => builder.Configuration[name]));
    }

    private static string Find(string contentRoot)
    {
        foreach (var start in (string[])[contentRoot, AppContext.BaseDirectory])
        {
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
            {
                var candidate = Path.Combine(folder.FullName, "litellm", "config.yaml");
                if (File.Exists(candidate))
                {
                    return candidate;
                }
            }
        }

        throw new StartupException(
            $"There is no litellm/config.yaml in {contentRoot} or above it. Set Gateway:ConfigPath (environment: Gateway__ConfigPath) to the file.");
    }
}
