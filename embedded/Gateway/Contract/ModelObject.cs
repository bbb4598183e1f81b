using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Contract;

/// <summary>An entry of <c>GET /v1/models</c>. It cannot tell the provider: owner and time are constants.</summary>
internal sealed record ModelObject(string Id, string Object, long Created, string OwnedBy, ModelMetadata? Metadata)
{
    public static ModelObject Of(string alias, ModelMetadata? metadata = null) => new(alias, "model", 1_677_610_602, "openai", metadata);
}

internal sealed record ModelMetadata(IReadOnlyList<string> Fallbacks);

internal sealed record ModelList(IReadOnlyList<ModelObject> Data, string Object = "list");

/// <summary><c>GET /model/info</c>: one entry a deployment.</summary>
internal sealed record ModelInfoList(IReadOnlyList<ModelInfoEntry> Data);

internal sealed record ModelInfoEntry(string ModelName, JsonObject LitellmParams, JsonObject ModelInfo);

/// <summary><c>GET /model_group/info</c>: one entry an alias.</summary>
internal sealed record ModelGroupList(IReadOnlyList<ModelGroupEntry> Data);

internal sealed record ModelGroupEntry(
    string ModelGroup, IReadOnlyList<string> Providers, int MaxInputTokens, int MaxOutputTokens, string Mode, bool SupportsFunctionCalling);
