namespace LlmAspire.Api.Llm;

/// <summary>Who served a call, or a part of it: what its row is priced by.</summary>
/// <param name="Provider">LiteLLM's name of the provider; null when nothing tells.</param>
/// <param name="Model">The provider's own name of the model; null when nothing tells: then the alias is all there is.</param>
internal sealed record ServedBy(string? Provider, string? Model)
{
    /// <summary>Hosts of the providers' own interfaces, by their ends.</summary>
    private static readonly (string Host, string Provider)[] Hosts =
    [
        ("api.openai.com", "openai"), ("openai.azure.com", "azure"), ("cognitiveservices.azure.com", "azure"), ("api.anthropic.com", "anthropic"),
        ("generativelanguage.googleapis.com", "gemini"), ("aiplatform.googleapis.com", "vertex_ai"), ("api.mistral.ai", "mistral"), ("api.deepseek.com", "deepseek"),
        ("api.moonshot.ai", "moonshot"), ("api.moonshot.cn", "moonshot"), ("api.groq.com", "groq"), ("api.x.ai", "xai"), ("openrouter.ai", "openrouter"),
        ("api.together.xyz", "together_ai"), ("api.fireworks.ai", "fireworks_ai"), ("api.cohere.com", "cohere"), ("api.perplexity.ai", "perplexity"),
    ];

    /// <summary>The deployment that the gateway names, if the catalogue knows it; else what else the answer says.</summary>
    /// <param name="model">What the answer calls its model: often only the alias.</param>
    /// <param name="alias">What was asked for.</param>
    public static ServedBy Resolve(GatewayAnswerHeaders headers, string? model, string alias, IModelCatalog catalog)
    {
        if (headers.DeploymentId is { } id && catalog.FindDeployment(id) is { } deployment)
        {
            return new ServedBy(deployment.Provider, deployment.Model);
        }

        var told = OfModel(model, alias, catalog);
        var group = headers.ModelGroup is { } name ? OfAlias(name, catalog) : null;
        var host = headers.ApiBase is { } address ? OfAddress(address) : null;
        return new ServedBy(told.Provider ?? host ?? group?.Provider, told.Model ?? group?.Model);
    }

    /// <summary>A part of a stream whose headers were sent before it began: its chunks alone can tell.</summary>
    /// <inheritdoc cref="Resolve"/>
    public static ServedBy OfModel(string? model, string alias, IModelCatalog catalog)
    {
        if (model is null or "" || model == alias)
        {
            return new ServedBy(null, null);
        }

        // Newer versions of LiteLLM name the alias of the fallback (BerriAI/litellm#30914); others the provider's own name, with the provider before it or without.
        if (catalog.FindModel(model) is not null)
        {
            return OfAlias(model, catalog);
        }

        if (catalog.FindServing(model) is { } known)
        {
            return new ServedBy(known.Provider, known.Model);
        }

        var slash = model.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 ? new ServedBy(model[..slash], model[(slash + 1)..]) : new ServedBy(null, model);
    }

    /// <summary>What all deployments of an alias have in common.</summary>
    private static ServedBy OfAlias(string alias, IModelCatalog catalog)
    {
        var deployments = catalog.ListDeployments(alias);
        return new ServedBy(Common(deployments.Select(one => one.Provider)), Common(deployments.Select(one => one.Model)));
    }

    private static string? Common(IEnumerable<string?> values) => values.Distinct().ToList() is [{ } one] ? one : null;

    private static string? OfAddress(string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri))
        {
            return null;
        }

        // bedrock-runtime.eu-central-1.amazonaws.com
        if (uri.Host.StartsWith("bedrock", StringComparison.OrdinalIgnoreCase) && uri.Host.EndsWith(".amazonaws.com", StringComparison.OrdinalIgnoreCase))
        {
            return "bedrock";
        }

        return Hosts.FirstOrDefault(known => uri.Host.Equals(known.Host, StringComparison.OrdinalIgnoreCase)
            || uri.Host.EndsWith("." + known.Host, StringComparison.OrdinalIgnoreCase)
            || uri.Host.EndsWith("-" + known.Host, StringComparison.OrdinalIgnoreCase)).Provider;
    }
}
