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

    private IEnumerable<Deployment> Deployments => _snapshot?.Deployments.Values ?? [];

    public Deployment? FindDeployment(string id) => _snapshot?.Deployments.GetValueOrDefault(id);

    public IReadOnlyList<Deployment> ListDeployments(string alias) => [.. Deployments.Where(deployment => deployment.Alias == alias)];

    public Deployment? FindServing(string model) =>
        Deployments.Where(deployment => deployment.Model == model || $"{deployment.Provider}/{deployment.Model}" == model)
            .DistinctBy(deployment => deployment.Provider).Take(2).ToList() is [var only] ? only : null;

    public void Replace(CatalogSnapshot snapshot)
    {
        _snapshot = snapshot;
        _isStale = false;
    }

    public void MarkStale() => _isStale = true;
}
