using LlmAspire.Api.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Identity;

/// <summary>What goes wrong with accounts, in the words of <see cref="Problems"/>.</summary>
internal static class AccountProblems
{
    public static ProblemHttpResult Bad(HttpContext context, string code, string title, string detail) =>
        Problems.Create(context, StatusCodes.Status400BadRequest, code, title, detail);

    // One answer for a wrong password, an unknown e-mail and a locked account: nobody learns which e-mails have accounts.
    public static ProblemHttpResult WrongCredentials(HttpContext context) => Problems.Create(
        context, StatusCodes.Status401Unauthorized, "credentials_wrong", "E-mail or password is wrong.",
        $"Look at email and password, and try again. After {AccountOptions.MaxWrongPasswords} wrong passwords an account takes none for "
        + $"{AccountOptions.LockoutTime.TotalMinutes:0} minutes.");

    public static ProblemHttpResult RefreshTokenInvalid(HttpContext context) => Problems.Create(
        context, StatusCodes.Status401Unauthorized, "refresh_token_invalid", "The refresh token is not valid.",
        "It expired, was revoked, or is not a refresh token. Sign in again.");

    public static ProblemHttpResult EmailTaken(HttpContext context) => Problems.Create(
        context, StatusCodes.Status409Conflict, "email_taken", "This e-mail has an account already.",
        "Sign in with it, or send another one in the property email.");

    public static ProblemHttpResult InvitationInvalid(HttpContext context) => Bad(
        context, "invitation_invalid", "The invitation is not valid.",
        "It expired, was used or revoked, its inviter is no admin any more, or its link is incomplete. Ask an admin of the organisation for another one, or leave out invitation and send organisationName.");

    public static ProblemHttpResult TooMany(HttpContext context, TimeSpan retryAfter) => Problems.Create(
        context, StatusCodes.Status429TooManyRequests, "too_many_attempts", "There were too many attempts.",
        $"Try again in {Math.Max(1, (int)Math.Ceiling(retryAfter.TotalSeconds))} seconds.", retryAfter);

    public static ProblemHttpResult InvitationUnknown(HttpContext context) => Problems.Create(
        context, StatusCodes.Status404NotFound, "invitation_unknown", "There is no such open invitation.",
        "It was used, revoked, or is over. GET /organisation/invitations lists those that are open.");

    public static ProblemHttpResult TooManyInvitations(HttpContext context, int most) => Problems.Create(
        context, StatusCodes.Status409Conflict, "too_many_invitations", "You have too many open invitations.",
        $"{most} of one admin may be open. Revoke one with DELETE /organisation/invitations/{{id}}, or wait until one is used.");

    public static ProblemHttpResult AdminOnly(HttpContext context) => Problems.Create(
        context, StatusCodes.Status403Forbidden, "admin_required", "Only an admin of the organisation may do this.",
        "Ask one of them; GET /organisation/members lists them.");

    public static ProblemHttpResult LastAdmin(HttpContext context) => Problems.Create(
        context, StatusCodes.Status409Conflict, "last_admin", "An organisation needs an admin.",
        "This is the last one. Make another member admin first.");

    public static ProblemHttpResult MemberUnknown(HttpContext context) => Problems.Create(
        context, StatusCodes.Status404NotFound, "member_unknown", "There is no such member.",
        "GET /organisation/members lists those of your organisation.");

    public static ProblemHttpResult KeyUnknown(HttpContext context) => Problems.Create(
        context, StatusCodes.Status404NotFound, "api_key_unknown", "You have no such API key.",
        "GET /identity/api-keys lists yours.");
}
