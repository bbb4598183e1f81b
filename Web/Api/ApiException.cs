namespace LlmAspire.Web.Api;

/// <summary>A request to the Api failed; <see cref="Problem"/> says how.</summary>
public sealed class ApiException(Problem problem, TimeSpan? retryAfter = null, Exception? inner = null)
    : Exception(problem.Title ?? problem.Code ?? "The request to the Api failed.", inner)
{
    public Problem Problem { get; } = problem;

    /// <summary>How long the Api asks to wait (<c>Retry-After</c>); null when it does not say.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
