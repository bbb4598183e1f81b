using System.Text.Json.Serialization;
using LlmAspire.Api.Llm;

namespace LlmAspire.Api.OpenAi;

/// <summary>The models of the caller's plan.</summary>
/// <param name="Kind">Always <c>list</c>.</param>
public sealed record OpenAiModelList([property: JsonPropertyName("object")] string Kind, IReadOnlyList<OpenAiModel> Data);

/// <param name="Id">What <c>model</c> of a completion takes.</param>
/// <param name="Kind">Always <c>model</c>.</param>
/// <param name="Created">Always 0: gateways do not tell.</param>
/// <param name="OwnedBy">The provider; <c>unknown</c> when the gateway does not tell.</param>
public sealed record OpenAiModel(
    string Id, [property: JsonPropertyName("object")] string Kind, long Created, [property: JsonPropertyName("owned_by")] string OwnedBy)
{
    internal static OpenAiModel From(ChatModel model) => new(model.Id, "model", 0, model.Provider ?? "unknown");
}
