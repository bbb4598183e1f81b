using dotenv.net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;

namespace LlmAspire.AppHost.Stack;

/// <summary>Decides what the stack is made of, and says so.</summary>
internal static class StackExtensions
{
    /// <summary>
    /// Loads <c>.env</c> (an environment variable of the same name wins), decides by <c>Stack:Mode</c>
    /// (<c>auto</c>, <c>containers</c>, <c>embedded</c>) and <c>Stack:Gateway</c> (<c>auto</c>, <c>litellm</c>, <c>demo</c>), and prints
    /// each decision with its reason, unless one of them cannot be carried out.
    /// </summary>
    public static StackChoice ChooseStack(this IDistributedApplicationBuilder builder)
    {
        builder.AddDotEnv();
        var (choice, text) = new StackChooser(
            builder.Configuration,
            builder.ExecutionContext.IsPublishMode,
            builder.LastMode(),
            ContainerRuntime.Find,
            ExecutablePath.Find("litellm") is not null).Choose();
        if (choice.Obstacle is null)
        {
            Console.WriteLine(text);
        }

        return choice;
    }

    /// <summary>Where runs of this stack remember their mode: <c>Stack:DataDirectory</c>, or <c>.data</c> beside the solution.</summary>
    public static LastMode LastMode(this IDistributedApplicationBuilder builder) =>
        new(Path.GetFullPath(builder.Configuration["Stack:DataDirectory"] ?? Path.Combine("..", ".data"), builder.AppHostDirectory));

    /// <summary>Whether a setting has a value that is more than white space.</summary>
    public static bool Has(this IConfiguration configuration, string key) => !string.IsNullOrWhiteSpace(configuration[key]);

    private static void AddDotEnv(this IDistributedApplicationBuilder builder)
    {
        var file = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", ".env"));
        if (!File.Exists(file))
        {
            return;
        }

        var values = DotEnv.Read(new DotEnvOptions(envFilePaths: [file]))
            .Where(pair => pair.Value.Length > 0)
            .Select(pair => KeyValuePair.Create(pair.Key.Replace("__", ":", StringComparison.Ordinal), (string?)pair.Value));

        // First, so that every other source of configuration wins over the file.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = values });
    }
}
