using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace LlmAspire.TestAuthority;

/// <summary>An OpenID Connect provider for tests: OpenIddict on a free port. It knows whom it is told of, and asks for no password.</summary>
public sealed class OpenIdAuthority : IAsyncDisposable
{
    public const string Audience = "llmaspire";

    private readonly ConcurrentDictionary<string, AuthorityPerson> _people = new();
    private readonly HttpClient _client = new();
    private readonly WebApplication _app;
    private int _refreshes;
    private int _signOuts;

    private OpenIdAuthority(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Services.AddOpenIddict().AddServer(Configure);
        _app = builder.Build();
        _app.UseAuthentication();
    }

    /// <summary>The issuer's URL.</summary>
    public string Url { get; private set; } = "";

    /// <summary>How many refresh tokens were sent here.</summary>
    public int Refreshes => Volatile.Read(ref _refreshes);

    /// <summary>How many sessions were to end here, by their id tokens.</summary>
    public int SignOuts => Volatile.Read(ref _signOuts);

    /// <param name="port">0 for a free one.</param>
    public static async Task<OpenIdAuthority> StartAsync(int port = 0)
    {
        var authority = new OpenIdAuthority(port);
        await authority._app.StartAsync();
        authority.Url = authority._app.Urls.Single() + "/";
        return authority;
    }

    /// <summary>Makes somebody known, or changes what their next tokens say.</summary>
    public void Put(AuthorityPerson person) => _people[person.Subject] = person;

    /// <summary>Nobody of that name is known from now on.</summary>
    public void Remove(AuthorityPerson person) => _people.TryRemove(person.Subject, out _);

    /// <summary>An access token for somebody.</summary>
    public async Task<string> SignInAsync(AuthorityPerson person, string audience = Audience, TimeSpan? lifetime = null)
    {
        Put(person);
        using var answer = await _client.PostAsync($"{Url}connect/token", new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = GrantTypes.Password,
            ["client_id"] = "tests",
            ["username"] = person.Subject,
            ["password"] = "any",
            ["test_audience"] = audience,
            ["test_lifetime"] = $"{(lifetime ?? TimeSpan.FromMinutes(15)).TotalSeconds:0}",
        }));
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return answer.IsSuccessStatusCode ? body.GetProperty("access_token").GetString()! : throw new InvalidOperationException(body.GetRawText());
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
    }

    private void Configure(OpenIddictServerBuilder server)
    {
        server.EnableDegradedMode();
        server.SetAuthorizationEndpointUris("connect/authorize").SetTokenEndpointUris("connect/token").SetEndSessionEndpointUris("connect/logout");
        server.AllowPasswordFlow().AllowAuthorizationCodeFlow().AllowRefreshTokenFlow();
        server.RegisterScopes(Scopes.OpenId, Scopes.Profile, Scopes.Email, Scopes.OfflineAccess);
        // Those that OpenIddict makes itself are large, and cost each test seconds.
        server.AddEncryptionKey(new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(32)))
            .AddSigningKey(new RsaSecurityKey(RSA.Create(2048)) { KeyId = Guid.NewGuid().ToString() })
            .DisableAccessTokenEncryption();
        server.UseAspNetCore().DisableTransportSecurityRequirement();
        server.AddEventHandler<ValidateAuthorizationRequestContext>(handler => handler.UseInlineHandler(_ => default));
        server.AddEventHandler<ValidateEndSessionRequestContext>(handler => handler.UseInlineHandler(_ => default));
        server.AddEventHandler<ValidateTokenRequestContext>(handler => handler.UseInlineHandler(_ => default));
        server.AddEventHandler<HandleAuthorizationRequestContext>(handler => handler.UseInlineHandler(context =>
        {
            if (Find(context.Request.LoginHint) is not { } person)
            {
                context.Reject(Errors.AccessDenied, "Nobody of that login_hint is known.");
                return default;
            }

            context.Principal = Describe(person, context.Request);
            return default;
        }));
        server.AddEventHandler<HandleEndSessionRequestContext>(handler => handler.UseInlineHandler(context =>
        {
            if (context.IdentityTokenHintPrincipal is not null)
            {
                Interlocked.Increment(ref _signOuts);
            }

            context.SignOut();
            return default;
        }));
        server.AddEventHandler<HandleTokenRequestContext>(handler => handler.UseInlineHandler(context =>
        {
            if (context.Request.IsRefreshTokenGrantType())
            {
                Interlocked.Increment(ref _refreshes);
            }

            // A code or a refresh token brings its principal; what the person may do now is in the new token.
            var subject = context.Request.IsPasswordGrantType() ? context.Request.Username : context.Principal?.GetClaim(Claims.Subject);
            if (Find(subject) is { } person)
            {
                context.Principal = Describe(person, context.Request, context.Principal);
            }
            else
            {
                context.Reject(Errors.InvalidGrant, "Nobody of that name is known.");
            }

            return default;
        }));
    }

    private AuthorityPerson? Find(string? subject) => subject is null ? null : _people.GetValueOrDefault(subject);

    private static ClaimsPrincipal Describe(AuthorityPerson person, OpenIddictRequest request, ClaimsPrincipal? before = null)
    {
        var identity = new ClaimsIdentity("OpenIddict", Claims.Name, Claims.Role);
        identity.SetClaim(Claims.Subject, person.Subject)
            .SetClaim(Claims.Email, person.Email)
            .SetClaim("org_id", person.Organisation)
            .SetClaim("org_name", person.OrganisationName)
            .SetClaim("plan", person.Plan)
            .SetClaims("roles", [.. person.Roles ?? []]);
        identity.SetScopes(before?.GetScopes() ?? request.GetScopes());
        identity.SetResources((string?)request["test_audience"] ?? Audience);
        identity.SetDestinations(_ => [Destinations.AccessToken, Destinations.IdentityToken]);
        if ((string?)request["test_lifetime"] is { } seconds)
        {
            identity.SetAccessTokenLifetime(TimeSpan.FromSeconds(int.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture)));
        }

        return new ClaimsPrincipal(identity);
    }
}
