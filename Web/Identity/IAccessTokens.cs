using LlmAspire.Web.Api;

namespace LlmAspire.Web.Identity;

/// <summary>The bearer tokens of whoever uses a circuit.</summary>
public interface IAccessTokens
{
    /// <summary>The token for the next request; null for nobody.</summary>
    /// <exception cref="ApiException">It has to be refreshed, and the Api does not answer.</exception>
    ValueTask<string?> GetAsync(CancellationToken cancellationToken);

    /// <summary>The token to use instead of one that the Api refused; null when the session has ended.</summary>
    /// <exception cref="ApiException">The Api does not answer.</exception>
    ValueTask<string?> RefreshAsync(string refused, CancellationToken cancellationToken);
}
