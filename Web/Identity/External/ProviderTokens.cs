using System.Globalization;
using LlmAspire.Web.Api;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace LlmAspire.Web.Identity.External;

/// <summary>The provider's token endpoint (RFC 6749, section 6). Thread-safe.</summary>
internal sealed class ProviderTokens(IOptionsMonitor<OpenIdConnectOptions> handler, TimeProvider time) : ISessionTokens
{
    /// <summary>For a provider that does not say how long its tokens are good.</summary>
    private static readonly TimeSpan DefaultLife = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private OpenIdConnectOptions Options => handler.Get(OpenIdConnectDefaults.AuthenticationScheme);

    /// <summary>What the provider answered with.</summary>
    /// <param name="before">The tokens of the session so far: a refresh may leave out what stays as it was.</param>
    public static SessionTicket ToTicket(OpenIdConnectMessage answer, SessionTicket? before, TimeProvider time)
    {
        var life = int.TryParse(answer.ExpiresIn, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds) : DefaultLife;
        return new SessionTicket(answer.AccessToken, answer.RefreshToken ?? before?.Refresh ?? "", time.GetUtcNow() + life, answer.IdToken ?? before?.Id);
    }

    public async Task<SessionTicket> RefreshAsync(SessionTicket old, string? address, CancellationToken cancellationToken)
    {
        if (old.Refresh.Length == 0)
        {
            throw Ended("The provider issued no refresh token.");
        }

        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(Timeout);
            var configuration = await Options.ConfigurationManager!.GetConfigurationAsync(patience.Token);
            using var request = new HttpRequestMessage(HttpMethod.Post, configuration.TokenEndpoint) { Content = new FormUrlEncodedContent(Refresh(old).Parameters) };
            using var response = await Options.Backchannel.SendAsync(request, patience.Token);
            var answer = new OpenIdConnectMessage(await response.Content.ReadAsStringAsync(patience.Token));
            return response.IsSuccessStatusCode && answer.AccessToken is not null ? ToTicket(answer, old, time)
                : answer.Error is "invalid_grant" ? throw Ended("The provider ended the session.")
                : throw Away(null);
        }
        catch (Exception exception) when (exception is not ApiException && !cancellationToken.IsCancellationRequested)
        {
            // Its documents and its connection break in many ways; what is not a plain refusal may pass.
            throw Away(exception);
        }
    }

    private OpenIdConnectMessage Refresh(SessionTicket old) => new()
    {
        GrantType = OpenIdConnectGrantTypes.RefreshToken,
        RefreshToken = old.Refresh,
        ClientId = Options.ClientId,
        ClientSecret = Options.ClientSecret,
    };

    private static ApiException Ended(string why) => new(new Problem(Title: why, Status: StatusCodes.Status401Unauthorized, Code: "refresh_token_invalid"));

    private static ApiException Away(Exception? inner) => new(new Problem(Title: "The sign-in service does not answer.", Code: ProblemCodes.Unreachable), inner: inner);
}
