using System.Text;
using System.Text.Json;

namespace LlmAspire.DemoGateway.Contract;

/// <summary>
/// An error inside a stream, which began with 200 and has no <c>[DONE]</c> then. Python's JSON has spaces, so these differ from the other events:
/// <code>
/// data: {"error": {"message": "Timeout on reading data from socket", "type": "None", "param": "None", "code": "500"}}
/// </code>
/// </summary>
/// <param name="Code">A status, as text.</param>
internal sealed record StreamError(string Message, string Code)
{
    public byte[] ToUtf8Json() => Encoding.UTF8.GetBytes(
        $$$"""{"error": {"message": {{{JsonSerializer.Serialize(Message, GatewayJson.Wire.String)}}}, "type": "None", "param": "None", "code": "{{{Code}}}"}}""");
}
