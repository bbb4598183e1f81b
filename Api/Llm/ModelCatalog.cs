namespace LlmAspire.Api.Llm;

/// <inheritdoc cref="IModelCatalog"/>
internal sealed class ModelCatalog(TimeProvider time) : IModelCatalog
{
    private volatile CatalogSnapshot? _snapshot;
    private volatile bool _isStale;

    public bool IsLoaded => _snapshot is not null;

    public bool IsStale => _isStale;

    public TimeSpan? Age => _snapshot is { } snapshot ? time.GetUtcNow() - snapshot.LoadedAt : null;

    public IReadOnlyList<ChatModel> ListModels() => _snapshot?.Models ?? [];

    public ChatModel? FindModel(string id) => _snapshot?.Models.FirstOrDefault(model => model.Id == id);

    public Deployment? FindDeployment(string id) => _snapshot?.Deployments.GetValueOrDefault(id);

    public void Replace(CatalogSnapshot snapshot)
    {
        _snapshot = snapshot;
        _isStale = false;
    }

    public void MarkStale() => _isStale = true;
}
