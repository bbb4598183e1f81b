namespace LlmAspire.DemoGateway.Configuration;

/// <summary>What the gateway takes from <c>config.yaml</c>. Immutable.</summary>
/// <param name="Deployments">In the order of the file; at least one.</param>
/// <param name="Fallbacks">Alias to the aliases that stand in for it.</param>
/// <param name="MasterKey">The key clients must show; null leaves everything open, as LiteLLM does.</param>
internal sealed record LiteLlmConfig(
    IReadOnlyList<Deployment> Deployments, IReadOnlyDictionary<string, IReadOnlyList<string>> Fallbacks, string? MasterKey)
{
    /// <summary>The proxy's own.</summary>
    public const int DefaultRetries = 2;

    /// <summary>Attempts after the first, <c>num_retries</c>.</summary>
    public int MaxRetries { get; init; } = DefaultRetries;

    /// <summary>A body that nobody waits for any more is stopped, <c>cancel_on_disconnect</c>.</summary>
    public bool CancelOnDisconnect { get; init; }

    /// <summary>In the order of the file, each once.</summary>
    public IReadOnlyList<string> Aliases { get; } = [.. Deployments.Select(deployment => deployment.Alias).Distinct(StringComparer.Ordinal)];
}
