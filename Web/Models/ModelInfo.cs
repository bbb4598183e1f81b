namespace LlmAspire.Web.Models;

/// <summary>A model to choose.</summary>
/// <param name="Id">The gateway's alias.</param>
/// <param name="Available">False while the gateway cannot serve it.</param>
/// <param name="RequiredPlan">The least plan that may use it.</param>
/// <param name="SupportsTools">Null when unknown.</param>
public sealed record ModelInfo(string Id, string? Label = null, string? Provider = null, bool Available = true, string? RequiredPlan = null, bool? SupportsTools = null)
{
    public string Name => string.IsNullOrWhiteSpace(Label) ? Id : Label;
}

/// <param name="Stale">The gateway is away: this is the last list it gave.</param>
public sealed record ModelList(IReadOnlyList<ModelInfo> Models, bool Stale);
