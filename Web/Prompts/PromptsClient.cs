using LlmAspire.Web.Api;

namespace LlmAspire.Web.Prompts;

/// <summary>The saved prompts that the signed-in person may see. Every failure but cancellation is an <see cref="ApiException"/>. Thread-safe.</summary>
public sealed class PromptsClient(ApiConnection api)
{
    /// <param name="scope">A word of <see cref="PromptScope"/>; null for all.</param>
    /// <param name="search">What is to be found in names and texts; null for all.</param>
    /// <param name="cursor"><see cref="PromptList.Next"/> of the page before; null for the first.</param>
    public Task<PromptList> ListAsync(string? scope, string? search, string? cursor, CancellationToken cancellationToken = default)
    {
        var query = QueryString.Create([KeyValuePair.Create("scope", scope), new("search", search), new("cursor", cursor)]);
        return api.GetAsync<PromptList>($"/prompts{query}", cancellationToken);
    }

    public Task<SavedPrompt> GetAsync(Guid id, CancellationToken cancellationToken = default) =>
        api.GetAsync<SavedPrompt>($"/prompts/{id}", cancellationToken);

    public Task<SavedPrompt> CreateAsync(string name, string text, string visibility, CancellationToken cancellationToken = default) =>
        api.PostAsync<SavedPrompt>("/prompts", new { name, text, visibility }, cancellationToken);

    /// <param name="version">The version that was changed; when it is not the newest any more, that is <see cref="ProblemCodes.PromptChanged"/>.</param>
    public Task<SavedPrompt> ChangeAsync(
        Guid id, int version, string name, string text, string visibility, CancellationToken cancellationToken = default) =>
        api.SendAsync<SavedPrompt>(HttpMethod.Put, $"/prompts/{id}", new { version, name, text, visibility }, cancellationToken);

    /// <param name="number">The version to bring back.</param>
    /// <inheritdoc cref="ChangeAsync"/>
    public Task<SavedPrompt> RestoreAsync(Guid id, int version, int number, CancellationToken cancellationToken = default) =>
        api.PostAsync<SavedPrompt>($"/prompts/{id}/restore", new { version, number }, cancellationToken);

    public async Task DeleteAsync(Guid id, CancellationToken cancellationToken = default)
    {
        using var response = await api.SendAsync(HttpMethod.Delete, $"/prompts/{id}", null, cancellationToken);
    }

    /// <returns>The newest first.</returns>
    public Task<PromptVersionList> GetVersionsAsync(Guid id, string? cursor, CancellationToken cancellationToken = default) =>
        api.GetAsync<PromptVersionList>($"/prompts/{id}/versions{QueryString.Create([KeyValuePair.Create("limit", "20")!, KeyValuePair.Create("cursor", cursor)])}", cancellationToken);

    /// <summary>Has a conversation use what a prompt is now, from its next message on.</summary>
    /// <param name="conversation">Null for one that is to begin: its first message has to name the prompt.</param>
    /// <param name="prompt">Null to go on without.</param>
    /// <returns>What it uses.</returns>
    public async Task<ConversationPrompt?> ChooseAsync(Guid? conversation, Guid? prompt, CancellationToken cancellationToken = default)
    {
        switch (conversation, prompt)
        {
            case ({ } used, { } wanted):
                return await api.SendAsync<ConversationPrompt>(HttpMethod.Put, $"/conversations/{used}/prompt", new { promptId = wanted }, cancellationToken);
            case (null, { } next):
                var saved = await GetAsync(next, cancellationToken);
                return new ConversationPrompt(saved.Id, saved.Version, saved.Name, saved.Text);
            case ({ } used, null):
                using (await api.SendAsync(HttpMethod.Delete, $"/conversations/{used}/prompt", null, cancellationToken))
                {
                    return null;
                }

            default:
                return null;
        }
    }
}
