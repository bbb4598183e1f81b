using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmAspire.Api.Identity;
using LlmAspire.Usage;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Llm;

/// <summary>The gateway's small requests: is it ready, and what does it serve.</summary>
internal sealed partial class GatewayClient(
    IHttpClientFactory clients, IOptions<GatewayOptions> options, TimeProvider time, ILogger<GatewayClient> logger)
{
    /// <summary>The name of the one client to the gateway; the OpenAI SDK uses it too.</summary>
    public const string Name = "gateway";

    /// <exception cref="HttpRequestException">When the gateway is away, not ready or refuses.</exception>
    /// <exception cref="JsonException">When it answers something else.</exception>
    public async Task<CatalogSnapshot> LoadCatalogAsync(CancellationToken cancellationToken)
    {
        var gateway = clients.CreateClient(Name);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.ProbeTimeout);

        // A gateway other than LiteLLM may have neither this endpoint nor /model/info; /v1/models they all have.
        using (var ready = await gateway.GetAsync("health/readiness", patience.Token))
        {
            if (ready.StatusCode != HttpStatusCode.NotFound)
            {
                ready.EnsureSuccessStatusCode();
            }
        }

        var aliases = await ReadAsync(gateway, "v1/models", patience.Token)
            ?? throw new HttpRequestException("The gateway has no /v1/models: LLM_BASE_URL does not name an OpenAI-compatible gateway.");
        var deployments = await ReadAsync(gateway, "model/info", patience.Token) ?? [];
        return Build(aliases, deployments);
    }

    private static async Task<List<JsonElement>?> ReadAsync(HttpClient gateway, string path, CancellationToken cancellationToken)
    {
        using var response = await gateway.GetAsync(path, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        // A wrong key is 401, or 400 from LiteLLM without a database (BerriAI/litellm#12273).
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.BadRequest)
        {
            throw new HttpRequestException(
                $"The gateway answered {(int)response.StatusCode} to /{path}: it does not accept LLM_API_KEY.", null, response.StatusCode);
        }

        response.EnsureSuccessStatusCode();
        using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken));
        return document.RootElement.ValueKind == JsonValueKind.Object
            && document.RootElement.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Array
            ? [.. data.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object).Select(item => item.Clone())]
            : throw new JsonException($"The gateway's answer to /{path} has no list named data.");
    }

    /// <summary>
    /// The list of aliases says what may be asked for, <c>/model/info</c> says what they are:
    /// <code>
    /// {"model_name":"claude-default","litellm_params":{"model":"anthropic/claude-sonnet-4-5"},
    ///  "model_info":{"id":"claude-default-1","litellm_provider":"anthropic","mode":"chat","label":"Claude","required_plan":"pro",
    ///  "max_input_tokens":200000,"max_output_tokens":64000,"supports_function_calling":true}}
    /// </code>
    /// A wildcard (<c>openai/*</c>) is no model, but says what those are that the gateway lists because of it.
    /// </summary>
    private CatalogSnapshot Build(List<JsonElement> aliases, List<JsonElement> deployments)
    {
        var byAlias = deployments.ToLookup(deployment => Text(deployment, "model_name"));
        var wildcards = byAlias.Where(group => IsWildcard(group.Key)).OrderByDescending(group => group.Key!.Length).ToList();
        var models = new List<ChatModel>();
        foreach (var id in aliases.Select(alias => Text(alias, "id")).OfType<string>().Distinct().Where(id => !IsWildcard(id)))
        {
            var serving = byAlias.Contains(id) ? byAlias[id] : (IEnumerable<JsonElement>?)wildcards.Find(group => Matches(id, group.Key!)) ?? [];
            var infos = serving.Select(deployment => Object(deployment, "model_info")).ToList();
            // Embeddings, images and speech cannot be talked to. Without a mode it is a model that the gateway does not know.
            if (infos.Exists(info => Text(info, "mode") is not (null or "chat" or "responses" or "completion")))
            {
                continue;
            }

            models.Add(new ChatModel(
                id,
                infos.Select(info => Text(info, "label")).FirstOrDefault(label => label is not null) ?? id,
                serving.Select(GatewayDeployment.Provider).FirstOrDefault(provider => provider is not null),
                infos.Select(info => RequiredPlan(id, Text(info, "required_plan"))).DefaultIfEmpty(Plan.Basic).Max(),
                infos.Select(info => Number(info, "max_input_tokens")).Min(),
                infos.Select(info => Number(info, "max_output_tokens")).Min(),
                All(infos, "supports_function_calling"),
                All(infos, "supports_vision")));
        }

        var byId = new Dictionary<string, Deployment>();
        foreach (var deployment in deployments)
        {
            if (Text(Object(deployment, "model_info"), "id") is { } id && Text(deployment, "model_name") is { } alias)
            {
                byId[id] = new Deployment(id, alias, GatewayDeployment.Provider(deployment), GatewayDeployment.Model(deployment));
            }
        }

        return new CatalogSnapshot(models, byId, time.GetUtcNow());
    }

    private static bool IsWildcard(string? alias) => alias?.Contains(GatewayDeployment.Wildcard, StringComparison.Ordinal) == true;

    /// <summary>As LiteLLM does it: a wildcard stands for any text, and the longest pattern is tried first.</summary>
    private static bool Matches(string id, string pattern) => Regex.IsMatch(
        id,
        $@"\A{string.Join(".*", pattern.Split(GatewayDeployment.Wildcard).Select(Regex.Escape))}\z",
        RegexOptions.Singleline | RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private Plan RequiredPlan(string id, string? plan)
    {
        if (plan is null)
        {
            return Plan.Basic;
        }

        if (EnumNames.TryParse<Plan>(plan, out var parsed))
        {
            return parsed;
        }

        // A word that nobody knows must not open an expensive model to everybody.
        LogUnknownPlan(logger, id, plan);
        return Plan.Enterprise;
    }

    private static bool? All(List<JsonElement> infos, string name)
    {
        var known = infos.Select(info => Flag(info, name)).Where(flag => flag is not null).ToList();
        return known.Count == 0 ? null : known.TrueForAll(flag => flag == true);
    }

    private static JsonElement Object(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : default;

    private static JsonElement Value(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) ? value : default;

    private static string? Text(JsonElement parent, string name) =>
        Value(parent, name) is { ValueKind: JsonValueKind.String } value && value.GetString() is { Length: > 0 } text ? text : null;

    private static int? Number(JsonElement parent, string name) =>
        Value(parent, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out var number) && number is > 0 and <= int.MaxValue
            ? (int)number
            : null;

    private static bool? Flag(JsonElement parent, string name) => Value(parent, name).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    [LoggerMessage(LogLevel.Warning, "Model {Model} needs the plan {Plan}, which does not exist: it is treated as enterprise. Known are basic, pro, enterprise.")]
    private static partial void LogUnknownPlan(ILogger logger, string model, string plan);
}
