using LlmAspire.Web.Api;

namespace LlmAspire.Web.Identity;

/// <summary>The bearer tokens of whoever uses a circuit.</summary>
public interface IAccessTokens
{
    /// <summary>The token for the next request; null for nobody.</summary>
    /// <exception cref="ApiException">It has to be refreshed, and the Api does not answer.</exception>
    ValueTask<string?> GetAsync(CancellationToken cancellationToken);

    /// <summary>The Api refused the token: whether there is another one, or the session has ended, is found out.</summary>
    ValueTask RefusedAsync(string token, CancellationToken cancellationToken);
}
