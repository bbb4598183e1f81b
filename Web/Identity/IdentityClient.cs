using System.Net.Http.Headers;
using LlmAspire.Web.Api;

namespace LlmAspire.Web.Identity;

/// <summary>The Api's sign-in. Every failure but cancellation is an <see cref="ApiException"/>. Thread-safe.</summary>
public sealed class IdentityClient(HttpClient http, TimeProvider time) : ISessionTokens
{
    /// <param name="address">Of the person's machine: the Api slows down who guesses passwords.</param>
    public Task<SessionTicket> LoginAsync(string email, string password, string? address, CancellationToken cancellationToken) =>
        PostForTicketAsync("/identity/login", new { email, password }, address, cancellationToken);

    public Task<SessionTicket> RefreshAsync(SessionTicket old, string? address, CancellationToken cancellationToken) =>
        PostForTicketAsync("/identity/refresh", new { refreshToken = old.Refresh }, address, cancellationToken);

    public async Task RegisterAsync(
        string email, string password, string? organisationName, string? invitation, string? address, CancellationToken cancellationToken)
    {
        using var request = Post("/identity/register", new { email, password, organisationName, invitation }, address);
        using var response = await http.SendShortAsync(request, time, cancellationToken);
    }

    /// <summary>Ends every session of the account.</summary>
    public async Task LogoutAsync(string accessToken, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/identity/logout");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        using var response = await http.SendShortAsync(request, time, cancellationToken);
    }

    public async Task<Me> GetMeAsync(string accessToken, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/identity/me");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        using var response = await http.SendShortAsync(request, time, cancellationToken);
        return await response.ReadAsync<Me>(cancellationToken);
    }

    /// <summary>A file of whoever has the token. To be disposed of.</summary>
    public async Task<HttpResponseMessage> GetFileAsync(string path, string accessToken, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        return await http.SendForStreamAsync(request, time, cancellationToken);
    }

    private async Task<SessionTicket> PostForTicketAsync(string path, object body, string? address, CancellationToken cancellationToken)
    {
        using var request = Post(path, body, address);
        using var response = await http.SendShortAsync(request, time, cancellationToken);
        return (await response.ReadAsync<AccessTokens>(cancellationToken)).ToTicket(time);
    }

    private static HttpRequestMessage Post(string path, object body, string? address)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        if (address is not null)
        {
            request.Headers.Add("X-Forwarded-For", address);
        }

        return request;
    }
}
