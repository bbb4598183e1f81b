using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LlmAspire.AppHost.Preflight;

/// <summary>
/// Reads as much of the gateway's configuration as every gateway needs. LiteLLM answers what is wrong in it with a Python stack trace, in a log that nobody
/// has opened yet.
/// </summary>
internal static class GatewayConfigCheck
{
    /// <summary>What is wrong in the file, with its line and what to do; null when nothing is.</summary>
    public static string? FindError(string path)
    {
        try
        {
            using var reader = File.OpenText(path);
            var yaml = new YamlStream();
            yaml.Load(reader);
            return yaml.Documents.Count > 0 && yaml.Documents[0].RootNode is YamlMappingNode root
                ? FindError(path, root)
                : Error(path, 1, "The file holds no settings.", "Begin it with model_list:.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"The gateway's configuration cannot be read: {exception.Message} Correct Stack:GatewayConfig, or restore the file with: git checkout litellm/config.yaml";
        }
        catch (YamlException exception)
        {
            return Error(path, exception.Start.Line, exception.Message, "Correct that line, then start again.");
        }
    }

    private static string? FindError(string path, YamlMappingNode root)
    {
        if (Child(root, "model_list") is not { } list)
        {
            return Error(path, root.Start.Line, "model_list is missing.", "Add it, with an entry of model_name and litellm_params for each deployment.");
        }

        if (list is not YamlSequenceNode { Children.Count: > 0 } models)
        {
            return Error(path, list.Start.Line, "model_list is not a list of models.", "Give it an entry of model_name and litellm_params for each deployment.");
        }

        var broken = models.FirstOrDefault(model => !IsDeployment(model));
        return broken is null ? null
            : Error(path, broken.Start.Line, "A model is not complete.", "It needs model_name, and litellm_params with a model.");
    }

    // - model_name: chat-default
    //   litellm_params:
    //     model: openai/gpt-6-luna
    private static bool IsDeployment(YamlNode model) =>
        model is YamlMappingNode entry && HasText(entry, "model_name") && Child(entry, "litellm_params") is YamlMappingNode parameters && HasText(parameters, "model");

    private static bool HasText(YamlMappingNode mapping, string key) => Child(mapping, key) is YamlScalarNode { Value.Length: > 0 };

    private static YamlNode? Child(YamlMappingNode mapping, string key) => mapping.Children.TryGetValue(new YamlScalarNode(key), out var child) ? child : null;

    private static string Error(string path, long line, string what, string remedy) => $"{path}, line {line}: {what} {remedy}";
}
