namespace LlmAspire.Api.Llm;

/// <summary>The models of the gateway, as they were when it was last asked. Never waits. Safe to use from several threads.</summary>
public interface IModelCatalog
{
    /// <summary>Whether the gateway was reached at all since the start; before that there is nothing to serve.</summary>
    bool IsLoaded { get; }

    /// <summary>Whether the last attempt to read the list failed.</summary>
    bool IsStale { get; }

    /// <summary>How old the list is; null when it was never loaded.</summary>
    TimeSpan? Age { get; }

    /// <summary>Every model, in the gateway's order; empty when the list was never loaded.</summary>
    IReadOnlyList<ChatModel> ListModels();

    /// <summary>The model of an alias; null when the gateway does not serve it.</summary>
    ChatModel? FindModel(string id);

    /// <summary>By <c>x-litellm-model-id</c>; null when it is not known.</summary>
    Deployment? FindDeployment(string id);

    /// <summary>Every deployment of an alias; empty when it is not known.</summary>
    IReadOnlyList<Deployment> ListDeployments(string alias);

    /// <summary>The deployment that serves a model by the provider's own name; null when none does, or deployments of several providers do.</summary>
    Deployment? FindServing(string model);
}
