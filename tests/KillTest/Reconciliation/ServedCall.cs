using System.Net.Http.Json;
using System.Text.Json;

namespace LlmAspire.KillTest.Reconciliation;

/// <summary>A call as the gateway served it, by its own record: the truth.</summary>
/// <param name="CallId">Of <c>x-litellm-call-id</c>: the id of the ledger's row.</param>
internal sealed record ServedCall(
    string CallId,
    long PromptTokens,
    long CompletionTokens,
    long CachedTokens,
    long CacheWriteTokens,
    long ReasoningTokens,
    string? Outcome,
    DateTimeOffset AcceptedAt)
{
    private static readonly JsonSerializerOptions Wire = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public long Tokens => PromptTokens + CompletionTokens;

    public static async Task<IReadOnlyList<ServedCall>> ReadAsync(HttpClient gateway, CancellationToken cancellationToken) =>
        (await gateway.GetFromJsonAsync<ServedList>(new Uri("/_demo/served", UriKind.Relative), Wire, cancellationToken))!.Data;

    private sealed record ServedList(IReadOnlyList<ServedCall> Data);
}
