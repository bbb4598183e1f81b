using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LlmAspire.Web.Tests.Identity;

/// <summary>The Api's sign-in: one account, <see cref="Email"/>, with tokens that are numbered.</summary>
internal sealed class FakeAccounts
{
    public const string Email = "ada@example.org";
    public const string Password = "correct horse battery";

    private int _issued;
    private int _refreshes;
    private int _logouts;

    /// <summary>Seconds until an access token expires.</summary>
    public int ExpiresIn { get; set; } = 900;

    /// <summary>Refuses every refresh: somebody signed the account out.</summary>
    public bool Revoked { get; set; }

    /// <summary>Answers every request with this status instead.</summary>
    public int? Broken { get; set; }

    /// <summary>A refresh waits for it.</summary>
    public Task RefreshGate { get; set; } = Task.CompletedTask;

    /// <summary>In the organisation.</summary>
    public string Role { get; set; } = "admin";

    public bool IsOperator { get; set; }

    public int Refreshes => Volatile.Read(ref _refreshes);

    public int Logouts => Volatile.Read(ref _logouts);

    /// <summary>The last registration.</summary>
    public RegisterBody? Registered { get; private set; }

    /// <summary>The header X-Forwarded-For of the last sign-in.</summary>
    public string? Address { get; private set; }

    /// <summary>The credentials of who asked last who they are.</summary>
    public string? Seen { get; private set; }

    /// <summary>The number of the newest token.</summary>
    public string Newest => $"access-{Volatile.Read(ref _issued)}";

    public void Map(IEndpointRouteBuilder app)
    {
        var identity = app.MapGroup("/identity");
        identity.AddEndpointFilter(async (call, next) => Broken is { } status ? Results.StatusCode(status) : await next(call));
        identity.MapPost("/login", (LoginBody body, HttpContext context) =>
        {
            Address = context.Request.Headers["X-Forwarded-For"];
            return (body.Email == Email && body.Password == Password) || (body.Email == "pro@demo.local" && body.Password == "Demo-1234!")
                ? Tokens()
                : Problem(StatusCodes.Status401Unauthorized, "credentials_wrong");
        });
        identity.MapPost("/refresh", async (RefreshBody body) =>
        {
            Interlocked.Increment(ref _refreshes);
            await RefreshGate;
            return Revoked || !body.RefreshToken.StartsWith("refresh-", StringComparison.Ordinal)
                ? Problem(StatusCodes.Status401Unauthorized, "refresh_token_invalid")
                : Tokens();
        });
        identity.MapPost("/register", (RegisterBody body) =>
        {
            Registered = body;
            return body.Email == "taken@example.org" ? Problem(StatusCodes.Status409Conflict, "email_taken")
                : body.Password.Length < 10 ? Problem(StatusCodes.Status400BadRequest, "password_too_short")
                : Results.Created("/identity/me", Me);
        });
        identity.MapPost("/logout", (HttpContext context) =>
        {
            if (context.Request.Headers.Authorization != $"Bearer {Newest}")
            {
                return Problem(StatusCodes.Status401Unauthorized, "credentials_missing");
            }

            Interlocked.Increment(ref _logouts);
            return Results.NoContent();
        });
        identity.MapGet("/me", (HttpContext context) =>
        {
            Seen = context.Request.Headers.Authorization;
            return Results.Json(Me);
        });
    }

    private object Me => new
    {
        id = new Guid("0195f000-0000-7000-8000-0000000000a1"),
        email = Email,
        organisation = new { id = new Guid("0195f000-0000-7000-8000-0000000000a2"), name = "Analytical Engines" },
        role = Role,
        plan = "pro",
        @operator = IsOperator,
    };

    private static IResult Problem(int status, string code) =>
        Results.Json(new { status, code, title = "As the Api says it" }, statusCode: status, contentType: "application/problem+json");

    private IResult Tokens()
    {
        var number = Interlocked.Increment(ref _issued);
        return Results.Json(new { accessToken = $"access-{number}", refreshToken = $"refresh-{number}", expiresIn = ExpiresIn, tokenType = "Bearer" });
    }

    internal sealed record LoginBody(string Email, string Password);

    internal sealed record RefreshBody(string RefreshToken);

    internal sealed record RegisterBody(string Email, string Password, string? OrganisationName, string? Invitation);
}
