using LlmAspire.Web.Api;

namespace LlmAspire.Web.Identity;

/// <summary>What is wrong with what a person typed into a form about accounts, in the words of the page.</summary>
/// <param name="Field">The property of the form that it is about; null for the whole form.</param>
public sealed record AccountWords(string Text, string? Field = null)
{
    public static AccountWords For(ApiException exception) => exception.Problem switch
    {
        { Code: "credentials_wrong" } => new("E-mail or password is wrong. After several wrong passwords an account takes none for a few minutes."),
        { Code: "email_taken" } => new("This e-mail has an account already. Sign in with it, or use another one.", Email),
        { Code: "email_invalid" } => new("Enter an address like name@example.org.", Email),
        { Code: "password_too_short" } => new("Enter at least 10 characters; any will do, a few words are good.", Password),
        { Code: "password_too_long" } => new("Enter at most 256 characters.", Password),
        { Code: "password_wrong" } => new("This is not your present password.", "CurrentPassword"),
        { Code: "name_invalid" or "organisation_missing" } => new("Enter a name of at most 100 characters.", Name),
        { Code: "invitation_invalid" } => new("This invitation has expired, was used, or its link is incomplete. Ask for another one."),
        { Code: "expiry_invalid" } => new("Enter 1 to 365 days.", "Days"),
        { Code: "last_admin" } => new("An organisation needs an admin, and this is the last one. Make another member admin first."),
        { Code: "admin_required" } => new("Only an admin of the organisation may do this."),
        { Code: "member_unknown" } => new("This member is gone already."),
        { Code: "api_key_unknown" } => new("This key is gone already."),
        { Code: "managed_elsewhere" } => new("People are managed by your organisation's sign-in service, not here."),
        { Status: StatusCodes.Status429TooManyRequests } => new($"There were too many attempts. Try again in {Seconds(exception)} seconds."),
        { Status: StatusCodes.Status401Unauthorized } => new("You are signed out. Sign in and try again."),
        { Status: null or >= 500 } => new("The service does not answer right now. Nothing was changed; try again in a moment."),
        _ => new($"This was not accepted. {exception.Problem.Title}"),
    };

    private const string Email = nameof(Email);
    private const string Password = nameof(Password);
    private const string Name = nameof(Name);

    private static int Seconds(ApiException exception) => Math.Max(1, (int)Math.Ceiling(exception.RetryAfter?.TotalSeconds ?? 60));
}
