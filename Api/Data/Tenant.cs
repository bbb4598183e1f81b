namespace LlmAspire.Api.Data;

/// <summary>Whose rows a lease of <see cref="TenantContext"/> sees.</summary>
public sealed record Tenant(Guid OrgId, Guid UserId);
