using System.Buffers;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmAspire.Api.Llm;

/// <summary>
/// A chat completion as it goes to the gateway. What has to be in every call is put in here, whoever made it: the user, the wish for usage at the
/// end of a stream, and an output cap. Everything else stays as it came, byte for byte. Immutable.
/// </summary>
internal sealed class ProviderRequest
{
    private const int MostChoices = 128;

    /// <summary>More than any model makes of one picture: gpt-4o-mini, whose count is the highest that is published, comes to 48,169 for eight tiles.</summary>
    private const int MostTokensOfPicture = 50_000;

    private static readonly MediaTypeHeaderValue Json = new("application/json");

    // A name that is there twice is read by some as the first and by others as the last: what is put in could be overruled.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private ProviderRequest(byte[] body, bool isStreamed, long promptBound, int choices, long outputCap, bool followsTools)
    {
        Body = body;
        IsStreamed = isStreamed;
        PromptBound = promptBound;
        Choices = choices;
        OutputCap = outputCap;
        FollowsTools = followsTools;
    }

    public byte[] Body { get; }

    /// <summary>Whether events are asked for, and not a plain completion.</summary>
    public bool IsStreamed { get; }

    /// <summary>A bound on the prompt's tokens: none has less than a byte, and pictures have a bound of their own.</summary>
    public long PromptBound { get; }

    /// <summary>How many answers are asked for in one.</summary>
    public int Choices { get; }

    /// <summary>The most that the model may answer, all choices together.</summary>
    public long OutputCap { get; }

    /// <summary>Whether it tells the model what tools answered: its last message is of one.</summary>
    public bool FollowsTools { get; }

    /// <summary>Reads the content of a request once.</summary>
    /// <param name="outputCap">The cap for a request that has none.</param>
    /// <exception cref="CallRefusedException">It is no JSON object: nothing could be put in, and a gateway that reads it all the same would answer without bounds.</exception>
    public static async Task<ProviderRequest> ReadAsync(HttpContent? content, Guid userId, int outputCap, CancellationToken cancellationToken)
    {
        byte[] bytes = content is null ? [] : await content.ReadAsByteArrayAsync(cancellationToken);
        try
        {
            using var document = JsonDocument.Parse(bytes, Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return Complete(document.RootElement, bytes.Length, userId, outputCap);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, a name twice, or a name that is no text.
        }

        throw new CallRefusedException(GatewayFailure.RequestUnreadable);
    }

    /// <summary>A content to send; each can be sent once.</summary>
    public HttpContent ToContent()
    {
        var content = new ByteArrayContent(Body);
        content.Headers.ContentType = Json;
        return content;
    }

    private static ProviderRequest Complete(JsonElement request, int length, Guid userId, int outputCap)
    {
        var asked = Greater(Count(request, "max_completion_tokens"), Count(request, "max_tokens"));
        var streamed = request.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True;

        var body = new ArrayBufferWriter<byte>(length + 256);
        // It goes into a request, not into a page.
        using (var writer = new Utf8JsonWriter(body, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            Copy(request, writer, name => name is "user"
                || (name is "stream_options" && streamed)
                || (name is "max_completion_tokens" or "max_tokens" && asked is null));
            writer.WriteString("user", userId);
            if (streamed)
            {
                writer.WriteStartObject("stream_options");
                if (request.TryGetProperty("stream_options", out var options) && options.ValueKind == JsonValueKind.Object)
                {
                    Copy(options, writer, name => name is "include_usage");
                }

                writer.WriteBoolean("include_usage", true);
                writer.WriteEndObject();
            }

            // Always sent: what a call can cost at most must be known, and LiteLLM asks Anthropic for 64,000 when it is not.
            if (asked is null)
            {
                writer.WriteNumber("max_completion_tokens", outputCap);
            }

            writer.WriteEndObject();
        }

        var choices = (int)Math.Clamp(Count(request, "n") ?? 1, 1, MostChoices);
        return new ProviderRequest(
            body.WrittenSpan.ToArray(),
            streamed,
            body.WrittenCount - PictureBytes(request),
            choices,
            (asked ?? outputCap) * choices,
            EndsWithTool(request));
    }

    private static bool EndsWithTool(JsonElement request) =>
        request.TryGetProperty("messages", out var messages) && messages.ValueKind == JsonValueKind.Array && messages.GetArrayLength() > 0
        && messages[messages.GetArrayLength() - 1] is { ValueKind: JsonValueKind.Object } last
        && last.TryGetProperty("role", out var role) && role.ValueKind == JsonValueKind.String && role.ValueEquals("tool");

    /// <summary>
    /// The bytes of pictures that cannot be tokens:
    /// <c>{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBOR…"}}]}</c>.
    /// </summary>
    private static long PictureBytes(JsonElement request)
    {
        var bytes = 0L;
        if (IsArray(request, "messages", out var messages))
        {
            foreach (var message in messages.EnumerateArray())
            {
                if (IsArray(message, "content", out var parts))
                {
                    bytes += parts.EnumerateArray().Sum(PictureBytesOfPart);
                }
            }
        }

        return bytes;
    }

    private static long PictureBytesOfPart(JsonElement part) =>
        part.ValueKind == JsonValueKind.Object
        && part.TryGetProperty("image_url", out var picture) && picture.ValueKind == JsonValueKind.Object
        && picture.TryGetProperty("url", out var url) && url.ValueKind == JsonValueKind.String
        && JsonMarshal.GetRawUtf8Value(url).StartsWith("\"data:image/"u8)
            ? Math.Max(0L, JsonMarshal.GetRawUtf8Value(url).Length - MostTokensOfPicture)
            : 0L;

    private static bool IsArray(JsonElement parent, string name, out JsonElement items)
    {
        items = default;
        return parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out items) && items.ValueKind == JsonValueKind.Array;
    }

    private static void Copy(JsonElement from, Utf8JsonWriter to, Predicate<string> leaveOut)
    {
        foreach (var field in from.EnumerateObject().Where(field => !leaveOut(field.Name)))
        {
            to.WritePropertyName(field.Name);
            to.WriteRawValue(JsonMarshal.GetRawUtf8Value(field.Value), skipInputValidation: true);
        }
    }

    private static long? Greater(long? one, long? other) => one is null || other > one ? other : one;

    private static long? Count(JsonElement request, string name) =>
        request.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetInt64(out var number) && number is >= 0 and <= int.MaxValue
            ? number
            : null;
}
