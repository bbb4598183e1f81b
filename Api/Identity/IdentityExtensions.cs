using LlmAspire.Api.Data;
using LlmAspire.Api.Http;
using LlmAspire.Api.Identity.Data;
using LlmAspire.Api.Identity.External;
using LlmAspire.Api.Identity.Keys;
using LlmAspire.Api.Identity.Organisations;
using LlmAspire.Api.Identity.Setup;
using LlmAspire.Api.Plans;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Identity;

internal static class IdentityExtensions
{
    /// <summary>A person who signed in; an API key may not do what this guards.</summary>
    public const string SessionPolicy = "session";

    /// <summary>A person who signed in and runs the installation.</summary>
    public const string OperatorPolicy = "operator";

    /// <summary>A program with a personal API key; a person's token may not do what this guards.</summary>
    public const string ApiKeyPolicy = "api-key";

    private const string DefaultScheme = "Accounts";

    /// <summary>
    /// Adds accounts in the ledger's database, and their sign-in by bearer token (of this Api or of an OpenID Connect provider) or API key. Needs
    /// <see cref="LedgerExtensions.AddLedger"/>.
    /// </summary>
    public static TBuilder AddAccounts<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        builder.AddNpgsqlDbContext<TenantContext>(
            LedgerContext.ConnectionName,
            settings =>
            {
                settings.DisableHealthChecks = true;
                settings.ConnectionString = ConnectionPool.ForContexts(settings.ConnectionString);
            },
            TenantContext.Configure);
        services.AddSchemaMigration<TenantContext>();
        services.AddSingleton<AccountsReadiness>();
        services.AddHostedService<AccountsSetup>();
        services.AddHealthChecks().AddCheck<AccountsHealthCheck>("accounts");

        services.AddOptions<AccountOptions>().BindConfiguration(AccountOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.AddPlans();
        services.AddSingleton<KnownAccounts>();
        services.AddSingleton<ApiKeys>();
        services.AddSingleton<AttemptLimits>();
        services.AddScoped<Registration>();
        services.AddScoped<SignIns>();
        services.AddScoped<Membership>();
        services.AddScoped<Invitations>();

        services.AddIdentityStore();
        services.AddSignIn();
        services.AddKeyRing();
        return builder;
    }

    /// <summary>Answers 503 while the accounts are not there yet, for the endpoints marked with <see cref="RequireAccounts"/>. Before authentication, which reads them.</summary>
    public static IApplicationBuilder UseAccountsReadiness(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<AccountsRequired>() is null
            || context.RequestServices.GetRequiredService<AccountsReadiness>().IsReady)
        {
            await next(context);
            return;
        }

        await Problems.Create(
            context, StatusCodes.Status503ServiceUnavailable, "accounts_starting", "The accounts are not there yet.",
            "The database is starting. Try again in a few seconds.", TimeSpan.FromSeconds(2)).ExecuteAsync(context);
    });

    public static IEndpointRouteBuilder MapAccountsApi(this IEndpointRouteBuilder app) => app.MapIdentityApi().MapApiKeysApi().MapOrganisationApi();

    public static TBuilder RequireAccounts<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.WithMetadata(new AccountsRequired());

    /// <summary>The last: what comes after it may add data protection as the framework has it.</summary>
    private static void AddKeyRing(this IServiceCollection services)
    {
        services.AddDataProtection().SetApplicationName("LlmAspire.Api").PersistKeysToDbContext<TenantContext>();
        // It reads the keys while the host starts, and the host waits: for a database that may not be there yet. AccountsSetup does it in time.
        services.Remove(services.Single(service => service.ImplementationType is { Name: "DataProtectionHostedService" }));
    }

    private static void AddIdentityStore(this IServiceCollection services) => services
        .AddIdentityCore<Account>(identity =>
        {
            identity.User.RequireUniqueEmail = true;
            // A user name is an e-mail, which was checked; any character of one will do.
            identity.User.AllowedUserNameCharacters = "";
            identity.Lockout.MaxFailedAccessAttempts = AccountOptions.MaxWrongPasswords;
            identity.Lockout.DefaultLockoutTimeSpan = AccountOptions.LockoutTime;
            identity.Password.RequiredLength = AccountValidator.MinPasswordCharacters;
            identity.Password.RequireDigit = false;
            identity.Password.RequireLowercase = false;
            identity.Password.RequireUppercase = false;
            identity.Password.RequireNonAlphanumeric = false;
        })
        .AddEntityFrameworkStores<TenantContext>()
        .AddClaimsPrincipalFactory<AccountClaims>()
        .AddSignInManager();

    private static void AddSignIn(this IServiceCollection services)
    {
        services.AddAuthentication(DefaultScheme)
            .AddPolicyScheme(DefaultScheme, null, scheme => scheme.ForwardDefaultSelector = SchemeOf)
            .AddExternalTokens()
            .AddScheme<AuthenticationSchemeOptions, SessionHandler>(SessionHandler.SchemeName, null)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyHandler.SchemeName, null)
            .AddBearerToken(IdentityConstants.BearerScheme, tokens =>
            {
                tokens.BearerTokenExpiration = AccountOptions.AccessTokenLife;
                tokens.RefreshTokenExpiration = AccountOptions.RefreshTokenLife;
            });
        // An endpoint without a rule of its own needs somebody who is signed in.
        services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build())
            .AddPolicy(SessionPolicy, policy => policy.RequireAuthenticatedUser().RequireAssertion(
                context => !context.User.HasClaim(claim => claim.Type == Caller.ApiKeyClaim)))
            .AddPolicy(ApiKeyPolicy, policy => policy.AddAuthenticationSchemes(ApiKeyHandler.SchemeName).RequireAuthenticatedUser())
            .AddPolicy(OperatorPolicy, policy => policy.RequireClaim(Caller.OperatorClaim, bool.TrueString).RequireAssertion(
                context => !context.User.HasClaim(claim => claim.Type == Caller.ApiKeyClaim)));
        services.AddRateLimiter(limiter =>
        {
            limiter.AddPolicy(AttemptLimits.Policy, AttemptLimits.ByAddress);
            limiter.OnRejected = async (rejected, _) => await AccountProblems
                .TooMany(rejected.HttpContext, AttemptLimits.RetryAfter(rejected.Lease)).ExecuteAsync(rejected.HttpContext);
        });
    }

    private static string SchemeOf(HttpContext context)
    {
        if (BearerHeader.Read(context.Request)?.StartsWith(ApiKeys.Mark, StringComparison.Ordinal) == true)
        {
            return ApiKeyHandler.SchemeName;
        }

        return context.RequestServices.GetRequiredService<IOptions<ExternalIdentityOptions>>().Value.IsUsed
            ? ExternalTokenHandler.SchemeName
            : SessionHandler.SchemeName;
    }

    private sealed class AccountsRequired;
}
