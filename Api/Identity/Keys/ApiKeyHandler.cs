using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Identity.Keys;

/// <summary>Signs in by a personal API key: <c>Authorization: Bearer llma_…</c>, where OpenAI's SDKs put theirs.</summary>
internal sealed class ApiKeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ApiKeys keys, KnownAccounts accounts)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "ApiKey";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var sent = BearerHeader.Read(Request);
        if (sent is null || !sent.StartsWith(ApiKeys.Mark, StringComparison.Ordinal))
        {
            return AuthenticateResult.NoResult();
        }

        var key = await keys.FindAsync(sent, Context.RequestAborted);
        var account = key is null ? null : await accounts.FindAsync(key.AccountId, stamp: null, Context.RequestAborted);
        return account is null
            ? AuthenticateResult.Fail("The API key is unknown, expired or revoked.")
            : AuthenticateResult.Success(new AuthenticationTicket(
                new ClaimsPrincipal(new ClaimsIdentity([.. account.Claims, new Claim(Caller.ApiKeyClaim, key!.Id.ToString())], SchemeName)),
                SchemeName));
    }
}
