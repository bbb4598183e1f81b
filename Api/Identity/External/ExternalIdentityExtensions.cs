using LlmAspire.Api.Http;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Identity.External;

internal static class ExternalIdentityExtensions
{
    /// <summary>Adds the scheme of the provider's tokens, as section <c>Authentication</c> has it.</summary>
    public static AuthenticationBuilder AddExternalTokens(this AuthenticationBuilder authentication)
    {
        var services = authentication.Services;
        services.AddOptions<ExternalIdentityOptions>().BindConfiguration(ExternalIdentityOptions.Section).ValidateDataAnnotations()
            .Validate(
                (ExternalIdentityOptions external, IHostEnvironment environment) => !external.IsUsed || IsGood(external.Authority, environment),
                "Authentication:Authority must be an absolute https URL (http in Development only).")
            .ValidateOnStart();
        services.AddSingleton<ExternalAccounts>();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure((JwtBearerOptions jwt, IOptions<ExternalIdentityOptions> external, IHostEnvironment environment) =>
            {
                jwt.Authority = external.Value.Authority;
                jwt.Audience = external.Value.Audience;
                jwt.RequireHttpsMetadata = !environment.IsDevelopment();
                // As the provider names them: the names are configuration here.
                jwt.MapInboundClaims = false;
                jwt.TokenValidationParameters.ClockSkew = TimeSpan.FromSeconds(30);
            });
        return authentication
            .AddJwtBearer()
            .AddScheme<AuthenticationSchemeOptions, ExternalTokenHandler>(ExternalTokenHandler.SchemeName, null);
    }

    /// <summary>Refuses an endpoint that manages what the provider manages, when there is one.</summary>
    public static RouteHandlerBuilder ManagesPeople(this RouteHandlerBuilder endpoint) => endpoint
        .ProducesProblem(StatusCodes.Status409Conflict)
        .AddEndpointFilter(async (context, next) =>
        {
            var external = context.HttpContext.RequestServices.GetRequiredService<IOptions<ExternalIdentityOptions>>().Value;
            return external.IsUsed
                ? Problems.Create(
                    context.HttpContext, StatusCodes.Status409Conflict, "managed_elsewhere", "People are managed elsewhere.",
                    $"Sign-in, organisations, roles and plans of this installation are those of {external.Authority}. Send a token of it.")
                : await next(context);
        });

    private static bool IsGood(string? authority, IHostEnvironment environment) =>
        Uri.TryCreate(authority, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp && environment.IsDevelopment());
}
