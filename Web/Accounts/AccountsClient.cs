using LlmAspire.Web.Api;
using LlmAspire.Web.Identity;

namespace LlmAspire.Web.Accounts;

/// <summary>The Api's accounts, organisations and keys, as the signed-in person may see and change them. Every failure but cancellation is an <see cref="ApiException"/>. Thread-safe.</summary>
public sealed class AccountsClient(ApiConnection api, TimeProvider time)
{
    public Task<Me> GetMeAsync(CancellationToken cancellationToken = default) => api.GetAsync<Me>("/identity/me", cancellationToken);

    /// <returns>The tokens of a new session: every other one has ended.</returns>
    public async Task<SessionTicket> ChangePasswordAsync(string currentPassword, string newPassword, CancellationToken cancellationToken = default) =>
        (await api.PostAsync<AccessTokens>("/identity/password", new { currentPassword, newPassword }, cancellationToken)).ToTicket(time);

    public Task<IReadOnlyList<Member>> GetMembersAsync(CancellationToken cancellationToken = default) =>
        api.GetAsync<IReadOnlyList<Member>>("/organisation/members", cancellationToken);

    /// <summary>Makes a link for one person; its token is shown here and never again.</summary>
    public Task<Invitation> InviteAsync(string role, CancellationToken cancellationToken = default) =>
        api.PostAsync<Invitation>("/organisation/invitations", new { role }, cancellationToken);

    /// <summary>The open ones, the newest first; for admins.</summary>
    public Task<IReadOnlyList<OpenInvitation>> GetInvitationsAsync(CancellationToken cancellationToken = default) =>
        api.GetAsync<IReadOnlyList<OpenInvitation>>("/organisation/invitations", cancellationToken);

    public Task RevokeInvitationAsync(Guid invitation, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Delete, $"/organisation/invitations/{invitation}", null, cancellationToken);

    public Task SetRoleAsync(Guid member, string role, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Put, $"/organisation/members/{member}/role", new { role }, cancellationToken);

    /// <summary>Removes the account of a member with its keys.</summary>
    public Task RemoveAsync(Guid member, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Delete, $"/organisation/members/{member}", null, cancellationToken);

    public Task<IReadOnlyList<ApiKey>> GetKeysAsync(CancellationToken cancellationToken = default) =>
        api.GetAsync<IReadOnlyList<ApiKey>>("/identity/api-keys", cancellationToken);

    public Task<CreatedApiKey> CreateKeyAsync(string name, int expiresInDays, CancellationToken cancellationToken = default) =>
        api.PostAsync<CreatedApiKey>("/identity/api-keys", new { name, expiresInDays }, cancellationToken);

    public Task RevokeKeyAsync(Guid key, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Delete, $"/identity/api-keys/{key}", null, cancellationToken);

    private async Task SendAsync(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        using var response = await api.SendAsync(method, path, body, cancellationToken);
    }
}
