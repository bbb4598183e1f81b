using LlmAspire.Web.Api;

namespace LlmAspire.Web.Reports;

/// <summary>A part of a page: what it shows, or why it cannot.</summary>
public sealed record Loaded<T>(T? Value, string? Problem)
    where T : class;

/// <inheritdoc cref="Loaded{T}"/>
public static class Loaded
{
    /// <summary>Waits for an answer; of its failures only cancellation passes.</summary>
    public static async Task<Loaded<T>> OfAsync<T>(Task<T> answer)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(answer);
        try
        {
            return new(await answer, null);
        }
        catch (ApiException exception)
        {
            return new(null, UsageWords.ProblemOf(exception));
        }
    }
}
