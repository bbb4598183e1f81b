using LlmAspire.Api.Identity.Data;

namespace LlmAspire.Api.Identity.Keys;

/// <param name="ExpiresInDays">1 to 365; 90 when left out.</param>
public sealed record CreateApiKeyRequest(string? Name, int? ExpiresInDays);

/// <param name="Prefix">How the key begins.</param>
/// <param name="LastUsedAt">Exact to a minute; null when it never was.</param>
public sealed record ApiKeyResponse(
    Guid Id, string Name, string Prefix, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? RevokedAt, DateTimeOffset? LastUsedAt)
{
    internal static ApiKeyResponse From(ApiKey key) =>
        new(key.Id, key.Name, key.Prefix, key.CreatedAt, key.ExpiresAt, key.RevokedAt, key.LastUsedAt);
}

/// <param name="Key">The key itself; it is shown here and never again.</param>
public sealed record CreatedApiKeyResponse(Guid Id, string Name, string Prefix, string Key, DateTimeOffset ExpiresAt);
