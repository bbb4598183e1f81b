using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace LlmAspire.DemoGateway.Served;

/// <summary>
/// One line of the record. A call has one line when it is accepted (which names it), one for every token, one at its end:
/// <code>
/// {"id":"0198…","at":"2026-11-22T23:51:23.1+00:00","call":{"call_id":"98a7…","model_id":"chat-default-openai-1",…,"prompt_tokens":11}}
/// {"id":"0198…","completion_tokens":1}
/// {"id":"0198…","completion_tokens":2,"at":"…","outcome":"completed","reasoning_tokens":0}
/// </code>
/// </summary>
/// <param name="CompletionTokens">So far, reasoning included.</param>
internal sealed record ServedEvent(
    Guid Id,
    DateTimeOffset? At = null,
    ServedCallHead? Call = null,
    int? CompletionTokens = null,
    ServedOutcome? Outcome = null,
    int? ReasoningTokens = null);

/// <summary>What is known of a call when it is accepted.</summary>
/// <param name="CallId"><c>x-litellm-call-id</c>.</param>
/// <param name="ModelId">The deployment, <c>x-litellm-model-id</c>.</param>
/// <param name="ServedModel">The provider's own name of the model.</param>
/// <param name="PromptTokens">Cached and cache-write tokens included.</param>
/// <param name="SpendLog">Null in records that are older than spend logs.</param>
/// <param name="CacheWriteHourTokens">Of the cache-write tokens, what stays for an hour.</param>
internal sealed record ServedCallHead(
    string CallId,
    string ModelId,
    string Alias,
    string Provider,
    string ServedModel,
    bool Stream,
    int PromptTokens,
    int CachedTokens,
    int CacheWriteTokens,
    SpendLogNote? SpendLog = null,
    [property: JsonPropertyName("cache_write_1h_tokens")] int CacheWriteHourTokens = 0);

/// <summary>What the spend log will say of a call, beyond what was served.</summary>
/// <param name="EndUser">The request's <c>user</c>.</param>
/// <param name="Metadata">The header <c>x-litellm-spend-logs-metadata</c>.</param>
/// <param name="Missing">There will be none.</param>
/// <param name="MoreTokens">Completion tokens that it tells beyond those that were served.</param>
internal sealed record SpendLogNote(string? EndUser, JsonObject? Metadata, bool? Missing, int? MoreTokens);

[JsonConverter(typeof(JsonStringEnumConverter<ServedOutcome>))]
internal enum ServedOutcome
{
    [JsonStringEnumMemberName("completed")] Completed,

    /// <summary>The client went away, and the model was stopped.</summary>
    [JsonStringEnumMemberName("client_gone")] ClientGone,

    [JsonStringEnumMemberName("failed")] Failed,
}
