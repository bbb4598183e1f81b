using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace LlmAspire.DemoGateway.Spend;

/// <summary>A page of <c>GET /spend/logs/v2</c>.</summary>
/// <param name="TotalIsCapped">LiteLLM stops counting at <see cref="SpendLogsApi.MostCounted"/>: then there are more pages than it says.</param>
internal sealed record SpendLogsPage(IReadOnlyList<SpendLog> Data, int Total, int Page, int PageSize, int TotalPages, bool TotalIsCapped);

/// <summary>A row of LiteLLM's table <c>LiteLLM_SpendLogs</c>, as its endpoint tells it.</summary>
/// <param name="RequestId">The id of the call, <c>x-litellm-call-id</c>; in older versions that of the answer, <c>chatcmpl-…</c>.</param>
/// <param name="ApiKey">The hash of the key that was shown.</param>
/// <param name="Spend">USD.</param>
/// <param name="Model">With its provider before it; the alias when nobody served.</param>
/// <param name="ModelGroup">The alias.</param>
/// <param name="EndUser">The request's <c>user</c>.</param>
/// <param name="Status"><c>success</c> or <c>failure</c>.</param>
internal sealed record SpendLog(
    string RequestId,
    string CallType,
    string ApiKey,
    double Spend,
    int TotalTokens,
    int PromptTokens,
    int CompletionTokens,
    [property: JsonPropertyName("startTime")] DateTimeOffset StartTime,
    [property: JsonPropertyName("endTime")] DateTimeOffset EndTime,
    [property: JsonPropertyName("completionStartTime")] DateTimeOffset CompletionStartTime,
    int RequestDurationMs,
    string Model,
    string ModelId,
    string ModelGroup,
    string CustomLlmProvider,
    string ApiBase,
    string User,
    string EndUser,
    string CacheHit,
    string CacheKey,
    JsonArray RequestTags,
    string Status,
    JsonObject Metadata);
