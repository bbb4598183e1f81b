namespace LlmAspire.Api.Identity.Data;

/// <summary>Who pays: its members share a plan and an allowance.</summary>
public sealed class Organisation
{
    public Guid Id { get; init; }

    public required string Name { get; set; }

    public Plan Plan { get; set; }

    public DateTimeOffset CreatedAt { get; init; }
}
