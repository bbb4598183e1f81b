using LlmAspire.Api.Data;
using LlmAspire.Api.Identity.Data;
using LlmAspire.Api.Identity.External;
using LlmAspire.Api.Plans;
using Microsoft.AspNetCore.Authentication.BearerToken;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Identity;

/// <summary>Registering, signing in and out, and who one is.</summary>
internal static class IdentityApi
{
    public static IEndpointRouteBuilder MapIdentityApi(this IEndpointRouteBuilder app)
    {
        var identity = app.MapGroup("/identity").WithTags("Identity");

        identity.MapPost("/register", RegisterAsync)
            .AllowAnonymous()
            .RequireRateLimiting(AttemptLimits.Policy)
            .ManagesPeople()
            .WithName("Register")
            .WithSummary("Makes an account, with a new organisation or, by invitation, in an existing one.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status429TooManyRequests);

        identity.MapPost("/login", LoginAsync)
            .AllowAnonymous()
            .RequireRateLimiting(AttemptLimits.Policy)
            .ManagesPeople()
            .WithName("Login")
            .WithSummary("Signs in: answers with a bearer token and a refresh token.")
            .Produces<AccessTokenResponse>()
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status429TooManyRequests);

        identity.MapPost("/refresh", RefreshAsync)
            .AllowAnonymous()
            .RequireRateLimiting(AttemptLimits.Policy)
            .ManagesPeople()
            .WithName("Refresh")
            .WithSummary("Exchanges a refresh token for a new bearer token and a new refresh token.")
            .Produces<AccessTokenResponse>()
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status429TooManyRequests);

        identity.MapPost("/logout", LogoutAsync)
            .RequireAuthorization(IdentityExtensions.SessionPolicy)
            .ManagesPeople()
            .WithName("Logout")
            .WithSummary("Ends every session of yours; API keys stay.");

        identity.MapPost("/password", ChangePasswordAsync)
            .RequireAuthorization(IdentityExtensions.SessionPolicy)
            .ManagesPeople()
            .WithName("ChangePassword")
            .WithSummary("Changes your password, ends every session, and answers with the tokens of a new one.")
            .Produces<AccessTokenResponse>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status429TooManyRequests);

        identity.MapGet("/me", GetMeAsync)
            .WithName("GetMe")
            .WithSummary("Says who you are, in which organisation, and what you may do.");

        return app;
    }

    private static async Task<Results<Created<MeResponse>, ProblemHttpResult>> RegisterAsync(
        RegisterRequest request,
        Registration registration,
        TenantContext accounts,
        Allowances allowances,
        IOptions<PlanOptions> plans,
        AttemptLimits limits,
        HttpContext context,
        CancellationToken cancellationToken)
    {
        if ((AccountValidator.Validate(request, context) ?? limits.TryEmail(request.Email, context)) is { } refusal)
        {
            return refusal;
        }

        var (account, problem) = await registration.RegisterAsync(request, context, cancellationToken);
        return account is null ? problem! : TypedResults.Created("/identity/me", await DescribeAsync(accounts, allowances, plans, account.Id, cancellationToken));
    }

    private static async Task<Results<SignInHttpResult, ProblemHttpResult>> LoginAsync(
        LoginRequest request, SignIns signIns, AttemptLimits limits, HttpContext context)
    {
        if (limits.TryEmail(request.Email, context) is { } tooMany)
        {
            return tooMany;
        }

        return await signIns.FindAsync(request.Email ?? "", request.Password ?? "") is { } account
            ? TypedResults.SignIn(await signIns.ClaimsAsync(account), authenticationScheme: IdentityConstants.BearerScheme)
            : AccountProblems.WrongCredentials(context);
    }

    private static async Task<Results<SignInHttpResult, ProblemHttpResult>> RefreshAsync(RefreshRequest request, SignIns signIns, HttpContext context) =>
        await signIns.FindByRefreshTokenAsync(request.RefreshToken) is { } account
            ? TypedResults.SignIn(await signIns.ClaimsAsync(account), authenticationScheme: IdentityConstants.BearerScheme)
            : AccountProblems.RefreshTokenInvalid(context);

    private static async Task<NoContent> LogoutAsync(Caller caller, SignIns signIns, UserManager<Account> users)
    {
        // Removed in this moment: then nothing is left to be ended.
        if (await users.FindByIdAsync(caller.UserId.ToString()) is { } account)
        {
            await signIns.RevokeAsync(account);
        }

        return TypedResults.NoContent();
    }

    private static async Task<Results<SignInHttpResult, ProblemHttpResult>> ChangePasswordAsync(
        PasswordRequest request, Caller caller, SignIns signIns, UserManager<Account> users, AttemptLimits limits, HttpContext context)
    {
        if (AccountValidator.ValidatePassword(request.NewPassword, "newPassword", context) is { } invalid)
        {
            return invalid;
        }

        var email = (await users.FindByIdAsync(caller.UserId.ToString()))?.Email;
        if (limits.TryEmail(email, context) is { } tooMany)
        {
            return tooMany;
        }

        if (await signIns.FindAsync(email ?? "", request.CurrentPassword ?? "") is not { } account)
        {
            return AccountProblems.Bad(context, "password_wrong", "The present password is wrong.",
                "Send the password that you sign in with in the property currentPassword. After several wrong ones the account takes none for a few minutes.");
        }

        await signIns.ChangePasswordAsync(account, request.CurrentPassword!, request.NewPassword!);
        return TypedResults.SignIn(await signIns.ClaimsAsync(account), authenticationScheme: IdentityConstants.BearerScheme);
    }

    private static async Task<Results<Ok<MeResponse>, UnauthorizedHttpResult>> GetMeAsync(
        Caller caller, TenantContext accounts, Allowances allowances, IOptions<PlanOptions> plans, CancellationToken cancellationToken) =>
        await DescribeAsync(accounts, allowances, plans, caller.UserId, cancellationToken) is { } me ? TypedResults.Ok(me) : TypedResults.Unauthorized();

    private static async Task<MeResponse?> DescribeAsync(
        TenantContext accounts, Allowances allowances, IOptions<PlanOptions> plans, Guid id, CancellationToken cancellationToken)
    {
        if (await accounts.Users.AsNoTracking().Include(row => row.Organisation)
            .SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { Organisation: { } organisation } account)
        {
            return null;
        }

        var plan = account.Plan ?? organisation.Plan;
        return new MeResponse(
            account.Id,
            account.Email,
            new OrganisationReference(organisation.Id, organisation.Name),
            account.Role,
            plan,
            account.IsOperator,
            LimitsResponse.Of(plans.Value, plan, organisation.Plan),
            await allowances.FindAsync(organisation.Id, organisation.Plan, cancellationToken));
    }
}
