using System.ComponentModel.DataAnnotations;

namespace LlmAspire.Api.Identity;

/// <summary>Section <c>Identity</c>: how often may be tried, and the first operator.</summary>
public sealed class AccountOptions
{
    public const string Section = "Identity";

    internal const int MaxWrongPasswords = 5;

    internal static readonly TimeSpan LockoutTime = TimeSpan.FromMinutes(5);

    internal static readonly TimeSpan AccessTokenLife = TimeSpan.FromMinutes(15);

    internal static readonly TimeSpan RefreshTokenLife = TimeSpan.FromDays(14);

    internal static readonly TimeSpan InvitationLife = TimeSpan.FromDays(7);

    /// <summary>Registrations, sign-ins and refreshes a minute from one address, in each process.</summary>
    [Range(1, 1_000_000)]
    public int AttemptsPerAddress { get; set; } = 60;

    /// <summary>Registrations, sign-ins and password changes a minute for one e-mail, in each process.</summary>
    [Range(1, 1_000_000)]
    public int AttemptsPerEmail { get; set; } = 10;

    public FirstOperatorOptions Operator { get; set; } = new();
}

/// <summary>Who runs a new installation; made at the start when nobody does.</summary>
public sealed class FirstOperatorOptions
{
    public string? Email { get; set; }

    public string? Password { get; set; }
}
