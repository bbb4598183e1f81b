namespace LlmAspire.Web.Identity;

/// <summary>Tokens as the Api answers with them.</summary>
/// <param name="ExpiresIn">Seconds.</param>
internal sealed record AccessTokens(string AccessToken, string RefreshToken, int ExpiresIn)
{
    public SessionTicket ToTicket(TimeProvider time) => new(AccessToken, RefreshToken, time.GetUtcNow().AddSeconds(ExpiresIn));
}
