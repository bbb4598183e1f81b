using LlmAspire.Web.Api;
using LlmAspire.Web.Chat;
using LlmAspire.Web.Conversations;
using LlmAspire.Web.Identity;
using LlmAspire.Web.Prompts;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmAspire.Web.Tests;

/// <summary>Nobody is signed in.</summary>
internal sealed class NoTokens : IAccessTokens
{
    public static ApiConnection Connect(HttpClient http, TimeProvider time) => new(http, time, new NoTokens());

    public static ApiClient Client(HttpClient http, TimeProvider time) => new(Connect(http, time));

    public static ChatSession Session(HttpClient http, TimeProvider time, ILogger<ChatSession>? logger = null) =>
        new(Client(http, time), new ConversationsClient(Connect(http, time)), new PromptsClient(Connect(http, time)), time, logger ?? NullLogger<ChatSession>.Instance);

    public ValueTask<string?> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult<string?>(null);

    public ValueTask<string?> RefreshAsync(string refused, CancellationToken cancellationToken) => ValueTask.FromResult<string?>(null);
}
