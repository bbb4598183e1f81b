using System.Text.Json;

namespace Aspire.Hosting.Orchestration;

/// <summary>The first profile of <c>Properties/launchSettings.json</c> that runs the project.</summary>
/// <param name="Urls">Where the project listens.</param>
/// <param name="Environment">The environment variables.</param>
internal sealed record LaunchProfile(IReadOnlyList<Uri> Urls, IReadOnlyDictionary<string, string> Environment)
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public static LaunchProfile? Read(string projectPath)
    {
        var path = Path.Combine(Path.GetDirectoryName(projectPath)!, "Properties", "launchSettings.json");
        if (!File.Exists(path))
        {
            return null;
        }

        using var document = JsonDocument.Parse(File.ReadAllText(path), Lenient);
        var profile = document.RootElement.GetProperty("profiles").EnumerateObject()
            .Select(property => property.Value)
            .FirstOrDefault(value => value.TryGetProperty("commandName", out var command) && command.GetString() == "Project");

        if (profile.ValueKind == JsonValueKind.Undefined)
        {
            return null;
        }

        var urls = profile.TryGetProperty("applicationUrl", out var applicationUrl) ? applicationUrl.GetString() : null;
        var environment = profile.TryGetProperty("environmentVariables", out var variables)
            ? variables.EnumerateObject().ToDictionary(variable => variable.Name, variable => variable.Value.GetString() ?? "")
            : [];

        return new LaunchProfile([.. (urls ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries).Select(url => new Uri(url))], environment);
    }
}
