namespace LlmAspire.AppHost.Services;

/// <summary>A resource that may run for a long time before it is healthy: a start is not given up sooner.</summary>
/// <param name="Patience">For how long.</param>
internal sealed record StartPatienceAnnotation(TimeSpan Patience) : IResourceAnnotation;
