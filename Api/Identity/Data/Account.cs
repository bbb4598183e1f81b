using Microsoft.AspNetCore.Identity;

namespace LlmAspire.Api.Identity.Data;

/// <summary>A person who signs in. It belongs to one organisation for as long as it exists.</summary>
public sealed class Account : IdentityUser<Guid>
{
    public Guid OrganisationId { get; set; }

    public Organisation? Organisation { get; set; }

    public Role Role { get; set; }

    /// <summary>May run the installation: prices, every organisation's reports.</summary>
    public bool IsOperator { get; set; }

    /// <summary>When this person has another plan than the organisation; else null.</summary>
    public Plan? Plan { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>A new account, whose user name is its e-mail.</summary>
    public static Account Create(string email, Guid organisationId, Role role, DateTimeOffset now) => new()
    {
        Id = Guid.CreateVersion7(now),
        UserName = email,
        Email = email,
        OrganisationId = organisationId,
        Role = role,
        CreatedAt = now,
    };
}
