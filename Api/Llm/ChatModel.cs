using LlmAspire.Api.Identity;

namespace LlmAspire.Api.Llm;

/// <summary>
/// A model as users choose it: an alias of the gateway, whatever number of deployments serve it. Where these differ, the
/// weakest counts, as nobody knows which will answer.
/// </summary>
/// <param name="Provider">The provider of the first deployment; null when the gateway does not tell.</param>
/// <param name="ContextWindow">Tokens; null when the gateway does not tell.</param>
/// <param name="MaxOutputTokens">Tokens; null when the gateway does not tell.</param>
/// <param name="SupportsTools">Null when the gateway does not tell.</param>
/// <param name="SupportsVision">Null when the gateway does not tell.</param>
public sealed record ChatModel(
    string Id,
    string Label,
    string? Provider,
    Plan RequiredPlan,
    int? ContextWindow,
    int? MaxOutputTokens,
    bool? SupportsTools,
    bool? SupportsVision);

/// <summary>One way the gateway has to serve an alias, by its id: the gateway names it in each answer.</summary>
/// <param name="Model">The provider's own name of the model.</param>
public sealed record Deployment(string Id, string Alias, string? Provider, string? Model);

/// <summary>What the gateway served when it was last asked.</summary>
/// <param name="LoadedAt">When that was, UTC.</param>
public sealed record CatalogSnapshot(
    IReadOnlyList<ChatModel> Models, IReadOnlyDictionary<string, Deployment> Deployments, DateTimeOffset LoadedAt);
