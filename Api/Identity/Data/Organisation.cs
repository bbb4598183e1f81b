namespace LlmAspire.Api.Identity.Data;

/// <summary>Who pays: its members share a plan and an allowance.</summary>
public sealed class Organisation
{
    public Guid Id { get; init; }

    /// <summary>Issuer and id at the OpenID Connect provider; null for one that was made here.</summary>
    public string? ExternalId { get; init; }

    public required string Name { get; set; }

    public Plan Plan { get; set; }

    public DateTimeOffset CreatedAt { get; init; }
}
