namespace LlmAspire.Api.Identity.Data;

/// <summary>A personal API key. Only its hash is stored: nobody can read the key again.</summary>
public sealed class ApiKey
{
    public Guid Id { get; init; }

    public Guid AccountId { get; init; }

    public required string Name { get; init; }

    /// <summary>How the key begins; shown, so that its owner knows which it is.</summary>
    public required string Prefix { get; init; }

    /// <summary>Of the whole key, by <see cref="Secrets.Hash"/>.</summary>
    public required byte[] Hash { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>Exact to a minute.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }
}
