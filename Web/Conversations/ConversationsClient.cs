using LlmAspire.Web.Api;

namespace LlmAspire.Web.Conversations;

/// <summary>The conversations of the signed-in person. Every failure but cancellation is an <see cref="ApiException"/>. Thread-safe.</summary>
public sealed class ConversationsClient(ApiConnection api)
{
    /// <param name="search">What is to be found in titles and messages; null for all.</param>
    /// <param name="cursor"><see cref="ConversationList.Next"/> of the page before; null for the first.</param>
    public Task<ConversationList> ListAsync(string? search, bool archived, string? cursor, CancellationToken cancellationToken = default)
    {
        var query = QueryString.Create(
        [
            KeyValuePair.Create("search", search),
            KeyValuePair.Create("archived", archived ? "true" : "false")!,
            KeyValuePair.Create("cursor", cursor),
        ]);
        return api.GetAsync<ConversationList>($"/conversations{query}", cancellationToken);
    }

    public Task<Conversation> GetAsync(Guid id, CancellationToken cancellationToken = default) =>
        api.GetAsync<Conversation>($"/conversations/{id}", cancellationToken);

    public async Task ChangeAsync(Guid id, ConversationChange change, CancellationToken cancellationToken = default)
    {
        using var response = await api.SendAsync(HttpMethod.Patch, $"/conversations/{id}", change, cancellationToken);
    }

    /// <summary>Deletes it with all that was said; what it used stays in the ledger. One that is gone is no error.</summary>
    public async Task DeleteAsync(Guid id, CancellationToken cancellationToken = default)
    {
        try
        {
            using var response = await api.SendAsync(HttpMethod.Delete, $"/conversations/{id}", null, cancellationToken);
        }
        catch (ApiException exception) when (exception.Problem.Status == StatusCodes.Status404NotFound)
        {
        }
    }
}
