using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmAspire.Api.Llm;

/// <summary>
/// A chat completion as it goes to the gateway. What has to be in every call is put in here, whoever made it: the user, the wish for usage at the
/// end of a stream, and an output cap. Everything else stays as it came. Immutable.
/// </summary>
internal sealed class ProviderRequest
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly MediaTypeHeaderValue? _contentType;

    private ProviderRequest(byte[] body, MediaTypeHeaderValue? contentType, long outputCap)
    {
        Body = body;
        _contentType = contentType;
        OutputCap = outputCap;
    }

    public byte[] Body { get; }

    /// <summary>A bound on the prompt's tokens: none has less than a byte.</summary>
    public long PromptBound => Body.Length;

    /// <summary>The most that the model may answer, all choices together.</summary>
    public long OutputCap { get; }

    /// <summary>Reads the content of a request once.</summary>
    /// <param name="outputCap">The cap for a request that has none.</param>
    public static async Task<ProviderRequest> ReadAsync(HttpContent? content, Guid userId, int outputCap, CancellationToken cancellationToken)
    {
        byte[] bytes = content is null ? [] : await content.ReadAsByteArrayAsync(cancellationToken);
        try
        {
            if (JsonNode.Parse(bytes) is JsonObject body)
            {
                var cap = Complete(body, userId, outputCap);
                return new ProviderRequest(JsonSerializer.SerializeToUtf8Bytes(body, ProviderRequestJson.Default.JsonObject), Json, cap);
            }
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException or InvalidOperationException or FormatException)
        {
            // No JSON, a name twice, or a field of an odd type: the gateway says so.
        }

        return new ProviderRequest(bytes, content?.Headers.ContentType, outputCap);
    }

    /// <summary>A content to send; each can be sent once.</summary>
    public HttpContent ToContent()
    {
        var content = new ByteArrayContent(Body);
        content.Headers.ContentType = _contentType;
        return content;
    }

    private static long Complete(JsonObject body, Guid userId, int outputCap)
    {
        body["user"] = userId.ToString();
        if (body["stream"]?.GetValueKind() == JsonValueKind.True)
        {
            if (body["stream_options"] is not JsonObject options)
            {
                body["stream_options"] = options = [];
            }

            options["include_usage"] = true;
        }

        // Always sent: what a call can cost at most must be known, and LiteLLM asks Anthropic for 64,000 when it is not.
        var cap = Number(body, "max_completion_tokens") ?? Number(body, "max_tokens");
        if (cap is null)
        {
            body["max_completion_tokens"] = outputCap;
        }

        return (cap ?? outputCap) * Math.Clamp(Number(body, "n") ?? 1, 1, 128);
    }

    private static long? Number(JsonObject body, string name) =>
        body[name] is { } node && node.GetValueKind() == JsonValueKind.Number && node.AsValue().TryGetValue(out long number) && number is >= 0 and <= int.MaxValue
            ? number
            : null;
}
