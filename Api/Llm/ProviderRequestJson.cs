using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace LlmAspire.Api.Llm;

[JsonSourceGenerationOptions(JsonSerializerDefaults.General)]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class ProviderRequestJson : JsonSerializerContext;
