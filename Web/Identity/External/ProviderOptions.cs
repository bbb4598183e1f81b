namespace LlmAspire.Web.Identity.External;

/// <summary>
/// Section <c>Authentication</c>: an OpenID Connect provider that people sign in at, instead of with passwords of this installation. The Api has the
/// same authority.
/// </summary>
public sealed class ProviderOptions
{
    public const string Section = "Authentication";

    /// <summary>The provider's issuer URL, where its discovery document is; without one, people sign in here.</summary>
    public string? Authority { get; set; }

    /// <summary>What the provider is called on the sign-in page; its host when missing.</summary>
    public string? Name { get; set; }

    /// <summary>What this front end is registered as.</summary>
    public string? ClientId { get; set; }

    /// <summary>Null for a public client; PKCE is used either way.</summary>
    public string? ClientSecret { get; set; }

    /// <summary>
    /// Separated by spaces. <c>offline_access</c> brings the refresh token, without which a session ends with its first access token; a provider may
    /// want another one for the Api's audience.
    /// </summary>
    public string Scope { get; set; } = "openid profile email offline_access";

    /// <summary>What else is sent to the authorization endpoint: <c>audience</c>, for example, where a provider asks for it.</summary>
    public Dictionary<string, string> Parameters { get; set; } = [];

    public bool IsUsed => !string.IsNullOrWhiteSpace(Authority);

    /// <summary>For people to read. Only when <see cref="IsUsed"/>.</summary>
    public string DisplayName => string.IsNullOrWhiteSpace(Name) ? new Uri(Authority!).Host : Name;

    /// <summary>Scheme, host and port of the provider. Only when <see cref="IsUsed"/>.</summary>
    public string Origin => new Uri(Authority!).GetLeftPart(UriPartial.Authority);
}
