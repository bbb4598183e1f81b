using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Identity;

/// <summary>Says what is wrong with what a person typed, and what to do about it.</summary>
internal static class AccountValidator
{
    public const int MinPasswordCharacters = 10;
    public const int MaxNameCharacters = 100;

    /// <summary>Beyond it is no password but an attempt to keep the server busy.</summary>
    private const int MaxPasswordCharacters = 256;

    private const int MaxEmailCharacters = 254;

    private static readonly EmailAddressAttribute EmailForm = new();

    public static ProblemHttpResult? Validate(RegisterRequest request, HttpContext context)
    {
        if (ValidateEmail(request.Email, context) is { } email)
        {
            return email;
        }

        if (ValidatePassword(request.Password, "password", context) is { } password)
        {
            return password;
        }

        return (request.OrganisationName, request.Invitation) switch
        {
            ({ }, { }) => AccountProblems.Bad(context, "organisation_ambiguous", "A registration makes an organisation or joins one.",
                "Leave out organisationName to join by the invitation, or leave out invitation."),
            (null, null) => AccountProblems.Bad(context, "organisation_missing", "The organisation is missing.",
                "Send the name of a new one in the property organisationName, or the token of an invitation in the property invitation."),
            ({ } name, _) => ValidateName(name, "organisationName", context),
            _ => null,
        };
    }

    /// <summary>A password that is set; one that is compared needs no rules.</summary>
    public static ProblemHttpResult? ValidatePassword(string? password, string property, HttpContext context) => password?.Length switch
    {
        null or < MinPasswordCharacters => AccountProblems.Bad(context, "password_too_short", "The password is too short.",
            $"Send at least {MinPasswordCharacters} characters in the property {property}; any will do, a few words are good."),
        > MaxPasswordCharacters => AccountProblems.Bad(context, "password_too_long", "The password is too long.",
            $"Send at most {MaxPasswordCharacters} characters in the property {property}."),
        _ => null,
    };

    /// <summary>A name that a person gives to an organisation or a key.</summary>
    public static ProblemHttpResult? ValidateName(string? name, string property, HttpContext context) =>
        string.IsNullOrWhiteSpace(name) || name.Length > MaxNameCharacters || name.Any(char.IsControl)
            ? AccountProblems.Bad(context, "name_invalid", "The name is not valid.",
                $"Send 1 to {MaxNameCharacters} characters without line breaks in the property {property}.")
            : null;

    private static ProblemHttpResult? ValidateEmail(string? email, HttpContext context) =>
        string.IsNullOrWhiteSpace(email) || email.Length > MaxEmailCharacters || email.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)) || !EmailForm.IsValid(email)
            ? AccountProblems.Bad(context, "email_invalid", "The e-mail is not valid.", "Send an address like name@example.org in the property email.")
            : null;
}
