using System.ComponentModel.DataAnnotations;

namespace LlmAspire.Api.Identity.External;

/// <summary>
/// Section <c>Authentication</c>: an OpenID Connect provider that people sign in at, instead of the passwords of this installation.
/// </summary>
public sealed class ExternalIdentityOptions
{
    public const string Section = "Authentication";

    /// <summary>The provider's issuer URL, where its discovery document is; without one, people sign in here.</summary>
    public string? Authority { get; set; }

    /// <summary>What a token's <c>aud</c> must name.</summary>
    [Required]
    public string Audience { get; set; } = "llmaspire";

    public ExternalClaimNames Claims { get; set; } = new();

    public bool IsUsed => !string.IsNullOrWhiteSpace(Authority);
}

/// <summary>Section <c>Authentication:Claims</c>: the names of the claims that say what a person may do. A name may be an URI, as some providers have it.</summary>
public sealed class ExternalClaimNames
{
    /// <summary>The organisation's id at the provider; a token without it is refused.</summary>
    [Required]
    public string Organisation { get; set; } = "org_id";

    /// <summary>What the organisation is called; its id when missing.</summary>
    [Required]
    public string OrganisationName { get; set; } = "org_name";

    /// <summary><c>member</c>, <c>admin</c> or <c>operator</c>; several may be there, others are ignored. Member when missing.</summary>
    [Required]
    public string Role { get; set; } = "roles";

    /// <summary><c>basic</c>, <c>pro</c> or <c>enterprise</c>: the person's plan; that of the organisation when missing.</summary>
    [Required]
    public string Plan { get; set; } = "plan";

    /// <summary>For people to read; nobody is recognised by it.</summary>
    [Required]
    public string Email { get; set; } = "email";
}
