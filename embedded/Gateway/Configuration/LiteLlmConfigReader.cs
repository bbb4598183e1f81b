using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LlmAspire.DemoGateway.Configuration;

/// <summary>Reads LiteLLM's <c>config.yaml</c>. What it cannot use it names with file, line and remedy.</summary>
/// <param name="path">Used in messages.</param>
/// <param name="environment">Looks up the NAME of <c>os.environ/NAME</c>, the only form of reference LiteLLM expands.</param>
internal sealed class LiteLlmConfigReader(string path, Func<string, string?> environment)
{
    private const string EnvironmentPrefix = "os.environ/";
    private const string MasterKeyVariable = "LITELLM_MASTER_KEY";

    /// <exception cref="StartupException">The file cannot be read or used.</exception>
    public static LiteLlmConfig ReadFile(string path, Func<string, string?> environment)
    {
        string yaml;
        try
        {
            yaml = File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"{exception.Message} Point Gateway:ConfigPath at a readable litellm/config.yaml.", exception);
        }

        return new LiteLlmConfigReader(path, environment).Read(yaml);
    }

    /// <exception cref="StartupException">The text cannot be used.</exception>
    public LiteLlmConfig Read(string yaml)
    {
        var root = Parse(yaml);
        var deployments = ReadDeployments(root);
        var fallbacks = ReadFallbacks(root, [.. deployments.Select(deployment => deployment.Alias)]);
        var general = Child(root, "general_settings", "a mapping") as YamlMappingNode ?? [];
        var key = Scalar(Find(general, "master_key"));
        return new LiteLlmConfig(deployments, fallbacks, NullIfEmpty(Resolve(key)) ?? NullIfEmpty(environment(MasterKeyVariable)))
        {
            MaxRetries = ReadMaxRetries(root),
            CancelOnDisconnect = ReadSwitch(general, "cancel_on_disconnect"),
        };
    }

    private YamlMappingNode Parse(string yaml)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(yaml));
        }
        catch (YamlException exception)
        {
            // Where the parser gave up, not where the node began that it was in.
            throw Malformed(exception.End.Line, $"is not valid YAML: {exception.Message.TrimEnd('.')}.", "Correct the line; indentation is by spaces, two a level.");
        }

        return stream.Documents.Count > 0 && stream.Documents[0].RootNode is YamlMappingNode root
            ? root
            : throw Malformed(1, "holds no mapping.", "Start it with \"model_list:\".");
    }

    private List<Deployment> ReadDeployments(YamlMappingNode root)
    {
        if (Child(root, "model_list", "a list") is not YamlSequenceNode { Children.Count: > 0 } list)
        {
            throw Malformed(root.Start.Line, "has no models.", "Add \"model_list:\" with at least one entry of model_name and litellm_params.");
        }

        var deployments = new List<Deployment>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var node in list)
        {
            if (node is not YamlMappingNode entry)
            {
                throw Malformed(node.Start.Line, "has an entry in model_list that is no mapping.", "Write \"- model_name: my-alias\" and litellm_params below it.");
            }

            var deployment = ReadDeployment(entry);
            if (!ids.Add(deployment.Id))
            {
                throw Malformed(entry.Start.Line, $"uses model_info.id \"{deployment.Id}\" twice.", "Give every deployment its own id.");
            }

            deployments.Add(deployment);
        }

        return deployments;
    }

    private Deployment ReadDeployment(YamlMappingNode entry)
    {
        var alias = NullIfEmpty(Scalar(Find(entry, "model_name")))
            ?? throw Malformed(entry.Start.Line, "has an entry in model_list without model_name.", "Add \"model_name: my-alias\".");
        if (Child(entry, "litellm_params", "a mapping") is not YamlMappingNode parameters || NullIfEmpty(Scalar(Find(parameters, "model"))) is not { } model)
        {
            throw Malformed(entry.Start.Line, $"names no model for \"{alias}\".", "Add litellm_params with \"model: provider/model-name\".");
        }

        var liteLlmParams = (JsonObject)YamlJson.Convert(parameters)!;
        var modelInfo = Child(entry, "model_info", "a mapping") is YamlMappingNode info ? (JsonObject)YamlJson.Convert(info)! : [];
        // LiteLLM's rule: without an id of its own a deployment is known by a hash of its parameters, the key among them.
        var id = modelInfo["id"]?.ToString() ?? Hash(alias + liteLlmParams.ToJsonString());
        liteLlmParams.Remove("api_key");

        var slash = model.IndexOf('/', StringComparison.Ordinal);
        var (provider, name) = slash < 0 ? ("openai", model) : (model[..slash], model[(slash + 1)..]);
        return new Deployment(alias, id, provider, name, liteLlmParams, modelInfo);
    }

    /// <summary><c>fallbacks: [{chat-default: [claude-default]}]</c>, in either of the two sections where LiteLLM takes it.</summary>
    private Dictionary<string, IReadOnlyList<string>> ReadFallbacks(YamlMappingNode root, HashSet<string> aliases)
    {
        var fallbacks = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var section in (string[])["litellm_settings", "router_settings"])
        {
            if (Child(root, section, "a mapping") is not YamlMappingNode settings || Child(settings, "fallbacks", "a list") is not YamlSequenceNode list)
            {
                continue;
            }

            foreach (var node in list)
            {
                if (node is not YamlMappingNode { Children.Count: 1 } entry || entry.Children.Single() is not { Key: YamlScalarNode alias, Value: YamlSequenceNode targets })
                {
                    throw Malformed(node.Start.Line, "has a fallback of another form than LiteLLM's.", "Write \"- alias: [other-alias]\".");
                }

                string[] names = [.. targets.Select(target => Scalar(target) ?? "")];
                if (names.Append(alias.Value ?? "").FirstOrDefault(name => !aliases.Contains(name)) is { } unknown)
                {
                    throw Malformed(node.Start.Line, $"has a fallback that names \"{unknown}\", which is no model_name.", "Name aliases of model_list.");
                }

                fallbacks[alias.Value!] = names;
            }
        }

        return fallbacks;
    }

    /// <summary><c>num_retries</c>, in either of the two sections where LiteLLM takes it.</summary>
    private int ReadMaxRetries(YamlMappingNode root)
    {
        foreach (var section in (string[])["router_settings", "litellm_settings"])
        {
            if (Child(root, section, "a mapping") is YamlMappingNode settings && Find(settings, "num_retries") is { } node)
            {
                return int.TryParse(Scalar(node), NumberStyles.None, CultureInfo.InvariantCulture, out var retries)
                    ? retries
                    : throw Malformed(node.Start.Line, "has num_retries that is not a number.", "Write \"num_retries: 2\".");
            }
        }

        return LiteLlmConfig.DefaultRetries;
    }

    /// <summary>Off unless it is there.</summary>
    private bool ReadSwitch(YamlMappingNode section, string name) => Find(section, name) is { } node
        ? bool.TryParse(Scalar(node), out var on) ? on : throw Malformed(node.Start.Line, $"has {name} that is neither true nor false.", $"Write \"{name}: true\".")
        : false;

    private string? Resolve(string? value) =>
        value is not null && value.StartsWith(EnvironmentPrefix, StringComparison.Ordinal) ? environment(value[EnvironmentPrefix.Length..]) : value;

    private YamlNode? Child(YamlMappingNode parent, string name, string kind) => Find(parent, name) switch
    {
        null or YamlScalarNode { Value: null or "" or "null" or "~" } => null,
        YamlSequenceNode list when kind == "a list" => list,
        YamlMappingNode mapping when kind == "a mapping" => mapping,
        var other => throw Malformed(other.Start.Line, $"has {name} that is not {kind}.", $"Write {name} as {kind}; check the indentation below it."),
    };

    private StartupException Malformed(long line, string what, string remedy) => new($"{path}, line {line}: the file {what} {remedy}");

    private static YamlNode? Find(YamlMappingNode mapping, string name) => mapping.Children.TryGetValue(new YamlScalarNode(name), out var node) ? node : null;

    private static string? Scalar(YamlNode? node) => (node as YamlScalarNode)?.Value;

    private static string? NullIfEmpty(string? value) => string.IsNullOrWhiteSpace(value) ? null : value;

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
