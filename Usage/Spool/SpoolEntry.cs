using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>What waits in the spool: an open call, the event that settles one, or a record of a run.</summary>
/// <param name="Position">Its place in the file; 0 before it has one.</param>
/// <param name="CallId">The call's id, or the run's.</param>
internal sealed record SpoolEntry(long Position, SpoolKind Kind, Guid CallId, string Body)
{
    public static SpoolEntry Of(OpenCall call) => new(0, SpoolKind.Open, call.Id, JsonSerializer.Serialize(call, OpenCallJson.Default.OpenCall));

    public static SpoolEntry Of(UsageEvent usageEvent) => new(0, SpoolKind.Settle, usageEvent.Id, UsageEventJson.Serialize(usageEvent));

    public static SpoolEntry OfRun(Guid runId, string record) => new(0, SpoolKind.Run, runId, record);

    /// <exception cref="JsonException">It is none of this version.</exception>
    public OpenCall ToOpenCall() => JsonSerializer.Deserialize(Body, OpenCallJson.Default.OpenCall) ?? throw new JsonException("There is no call.");

    /// <exception cref="JsonException">It is none of this version.</exception>
    public UsageEvent ToUsageEvent() => UsageEventJson.Deserialize(Body);

    /// <summary>What becomes of an open call whose process is gone.</summary>
    public UsageEvent ToInterrupted()
    {
        var call = ToOpenCall();
        return new UsageEvent
        {
            Id = call.Id,
            RequestId = call.RequestId,
            UserId = call.UserId,
            OrgId = call.OrgId,
            ApiKeyId = call.ApiKeyId,
            ConversationId = call.ConversationId,
            Operation = call.Operation,
            Traceparent = call.Traceparent,
            ModelAlias = call.ModelAlias,
            PromptTokens = 0,
            CompletionTokens = 0,
            Source = UsageSource.None,
            Outcome = UsageOutcome.Interrupted,
            DurationMs = 0,
        };
    }
}

internal enum SpoolKind
{
    Open = 1,
    Settle = 2,

    /// <summary>A record of a run, which <see cref="IRunReplay"/> understands.</summary>
    Run = 3,
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(OpenCall))]
internal sealed partial class OpenCallJson : JsonSerializerContext;
