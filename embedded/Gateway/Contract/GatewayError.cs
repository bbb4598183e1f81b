using System.Text.Json.Serialization;

namespace LlmAspire.DemoGateway.Contract;

/// <summary><c>{"error":{…}}</c>, the proxy's own error shape.</summary>
internal sealed record ErrorBody(ErrorDetails Error);

/// <summary>Nulls are written here, unlike in answers.</summary>
/// <param name="Type">May be null, or the text "None".</param>
/// <param name="Param">May be null, or the text "None".</param>
/// <param name="Code">The status, as text.</param>
internal sealed record ErrorDetails(
    string Message,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param,
    string Code);

/// <summary><c>{"detail":…}</c>, the shape of the web framework under the proxy (unknown paths, methods and models).</summary>
internal sealed record DetailBody(string Detail);
