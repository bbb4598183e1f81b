using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace LlmAspire.DemoGateway.Contract;

/// <summary>A JSON body with <c>content-length</c>, and with the media type alone, without a charset, as the proxy sends it.</summary>
internal sealed class JsonBody(byte[] utf8, int status) : IResult
{
    public static JsonBody Of<T>(T value, JsonTypeInfo<T> typeInfo, int status = StatusCodes.Status200OK) =>
        new(JsonSerializer.SerializeToUtf8Bytes(value, typeInfo), status);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = utf8.Length;
        await response.Body.WriteAsync(utf8, httpContext.RequestAborted);
    }
}
