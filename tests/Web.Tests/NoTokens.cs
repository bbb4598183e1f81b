using LlmAspire.Web.Api;
using LlmAspire.Web.Identity;

namespace LlmAspire.Web.Tests;

/// <summary>Nobody is signed in.</summary>
internal sealed class NoTokens : IAccessTokens
{
    public static ApiClient Client(HttpClient http, TimeProvider time) => new(new ApiConnection(http, time, new NoTokens()));

    public ValueTask<string?> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult<string?>(null);

    public ValueTask<string?> RefreshAsync(string refused, CancellationToken cancellationToken) => ValueTask.FromResult<string?>(null);
}
