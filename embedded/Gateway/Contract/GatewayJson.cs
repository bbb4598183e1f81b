using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using LlmAspire.DemoGateway.Served;
using LlmAspire.DemoGateway.Spend;

namespace LlmAspire.DemoGateway.Contract;

/// <summary>The JSON of the contract: snake_case, nulls stripped, no character escaped that needs none (like Python's).</summary>
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(ChatCompletionRequest))]
[JsonSerializable(typeof(ChatCompletion))]
[JsonSerializable(typeof(ChatCompletionChunk))]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(DetailBody))]
[JsonSerializable(typeof(Readiness))]
[JsonSerializable(typeof(HealthReport))]
[JsonSerializable(typeof(ModelObject))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelInfoList))]
[JsonSerializable(typeof(ModelGroupList))]
[JsonSerializable(typeof(ServedEvent))]
[JsonSerializable(typeof(ServedList))]
[JsonSerializable(typeof(SpendLogsPage))]
internal sealed partial class GatewayJson : JsonSerializerContext
{
    public static GatewayJson Wire { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
