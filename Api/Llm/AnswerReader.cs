using System.Buffers;
using System.Text.Json;

namespace LlmAspire.Api.Llm;

/// <summary>What the bytes of an answer say about its usage and its end. Not thread-safe: an answer has one reader.</summary>
internal abstract class AnswerReader
{
    /// <summary>More than any gateway falls back to: their ids are kept, and a gateway may give every chunk one.</summary>
    private const int MostProviders = 16;

    private readonly List<string> _chunkIds = [];

    /// <summary>
    /// The usage, once: repeated, or growing with every chunk, the greatest counts, and what it leaves out is taken from an earlier one. Null when
    /// none came.
    /// </summary>
    public ProviderUsage? Usage { get; private set; }

    /// <summary>Whether more was said after <see cref="Usage"/>, which then is a running count.</summary>
    public bool HasTextAfterUsage { get; private set; }

    /// <summary>What was said, for an estimate.</summary>
    public AnswerText Text { get; } = new();

    /// <summary>
    /// The id of the chunks, and those of other providers that went on with the answer: LiteLLM's fallback in the middle of a stream begins anew, with
    /// another id and the role once more.
    /// </summary>
    public IReadOnlyList<string> ChunkIds => _chunkIds;

    public string? FinishReason { get; private set; }

    /// <summary>Whether the answer comes in pieces.</summary>
    public abstract bool IsStreamed { get; }

    /// <summary>Whether anything was said, thought or called yet.</summary>
    public bool HasContent { get; protected set; }

    /// <summary>Why the answer is a failure, as far as it was read; null when it is none.</summary>
    public GatewayFailure? Failure { get; private set; }

    /// <summary>The error in the gateway's words, for the log.</summary>
    public string? ErrorText { get; private set; }

    /// <summary>Takes the next bytes.</summary>
    /// <returns>Where in them the marker of the end begins, which nobody may see before the usage is durable; null when it is not there.</returns>
    public abstract int? Append(ReadOnlySpan<byte> bytes);

    /// <summary>The answer ended. One without a finish reason is a failure, whatever else it says.</summary>
    public virtual void End()
    {
        if (FinishReason is null)
        {
            Failure ??= GatewayFailure.Incomplete;
        }
    }

    /// <summary>Takes a chunk of a stream, or a whole plain answer: apart from <c>delta</c> and <c>message</c> they have one form.</summary>
    protected void TakeJson(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            using var document = JsonDocument.ParseValue(ref reader);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                Take(document.RootElement);
                return;
            }
        }
        catch (JsonException)
        {
            // Not JSON: as unreadable as JSON that is no object.
        }

        Failure ??= GatewayFailure.Unreadable;
    }

    private void Take(JsonElement chunk)
    {
        if (chunk.TryGetProperty("error", out var error) && error.ValueKind is not JsonValueKind.Null)
        {
            // data: {"error": {"message": "Timeout on reading data from socket", "type": "None", "param": "None", "code": "500"}}
            ErrorText ??= error.GetRawText();
            Failure ??= GatewayFailure.From(StatusOf(error), error);
        }

        if (chunk.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String)
        {
            TakeId(id, chunk);
        }

        if (chunk.TryGetProperty("choices", out var choices) && choices.ValueKind == JsonValueKind.Array)
        {
            foreach (var choice in choices.EnumerateArray())
            {
                TakeChoice(choice);
            }
        }

        // By the presence of usage alone: OpenAI's usage chunk has no choices, LiteLLM's has one (BerriAI/litellm#28735). It speaks for its own chunk too.
        if (chunk.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
        {
            Usage = ProviderUsage.Read(usage).Merge(Usage);
            HasTextAfterUsage = false;
        }
    }

    private void TakeChoice(JsonElement choice)
    {
        if (choice.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        if (choice.TryGetProperty("finish_reason", out var reason) && reason.ValueKind == JsonValueKind.String)
        {
            FinishReason = reason.GetString();
        }

        if ((choice.TryGetProperty("delta", out var said) || choice.TryGetProperty("message", out said)) && said.ValueKind == JsonValueKind.Object)
        {
            TakeMessage(said);
        }
    }

    private void TakeMessage(JsonElement message)
    {
        foreach (var part in message.EnumerateObject())
        {
            // What a model makes. Gateways put more into it: signatures, and thoughts a second time in another form.
            if (part.NameEquals("content") || part.NameEquals("reasoning_content") || part.NameEquals("refusal")
                || part.NameEquals("tool_calls") || part.NameEquals("function_call")
                || (part.NameEquals("reasoning") && !message.TryGetProperty("reasoning_content", out _)))
            {
                TakeText(part.Value);
            }
        }
    }

    /// <summary>Text, thoughts and refusals are strings; calls of tools have a name and arguments somewhere inside.</summary>
    private void TakeText(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                var text = TextOf(value);
                HasContent |= text != "";
                HasTextAfterUsage |= text != "";
                Text.Append(text);
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    TakeText(item);
                }

                break;
            case JsonValueKind.Object:
                HasContent = true;
                foreach (var field in value.EnumerateObject())
                {
                    // Not the marks around them: {"index":0,"id":"call_1","type":"function","function":{"name":"…","arguments":"…"}}
                    if (field.NameEquals("function") || field.NameEquals("name") || field.NameEquals("arguments") || field.NameEquals("text"))
                    {
                        TakeText(field.Value);
                    }
                }

                break;
        }
    }

    private static string TextOf(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, whose other half is in the next chunk: "\ud83d".
            return "\uFFFD";
        }
    }

    private void TakeId(JsonElement id, JsonElement chunk)
    {
        if (_chunkIds.Count == 0)
        {
            _chunkIds.Add(id.GetString()!);
        }
        else if (_chunkIds.Count < MostProviders && !id.ValueEquals(_chunkIds[^1]) && HasRole(chunk))
        {
            _chunkIds.Add(id.GetString()!);
        }
    }

    // Some gateways give each chunk an id of its own; the role comes once a provider.
    private static bool HasRole(JsonElement chunk) =>
        chunk.TryGetProperty("choices", out var choices) && choices.ValueKind == JsonValueKind.Array
            && choices.EnumerateArray().Any(choice => choice.ValueKind == JsonValueKind.Object
                && choice.TryGetProperty("delta", out var delta) && delta.ValueKind == JsonValueKind.Object && delta.TryGetProperty("role", out _));

    private static int StatusOf(JsonElement error)
    {
        if (error.ValueKind == JsonValueKind.Object && error.TryGetProperty("code", out var code))
        {
            if (code.ValueKind == JsonValueKind.Number && code.TryGetInt32(out var number))
            {
                return number;
            }

            if (code.ValueKind == JsonValueKind.String && int.TryParse(code.GetString(), out var parsed))
            {
                return parsed;
            }
        }

        return StatusCodes.Status500InternalServerError;
    }
}

/// <summary>An answer that comes as server-sent events.</summary>
internal sealed class StreamedAnswerReader : AnswerReader
{
    private readonly ServerSentEventReader _events = new();
    private bool _done;

    public override bool IsStreamed => true;

    public override int? Append(ReadOnlySpan<byte> bytes)
    {
        int? doneAt = null;
        _events.Append(bytes, (data, start) =>
        {
            if (_done)
            {
                return;
            }

            if (data.SequenceEqual("[DONE]"u8))
            {
                _done = true;
                doneAt = start;
                End();
            }
            else
            {
                TakeJson(data);
            }
        });
        return doneAt;
    }
}

/// <summary>An answer that comes as one JSON object, read once at its end.</summary>
internal sealed class PlainAnswerReader : AnswerReader
{
    private readonly ArrayBufferWriter<byte> _body = new();
    private bool _ended;

    public override bool IsStreamed => false;

    public override int? Append(ReadOnlySpan<byte> bytes)
    {
        _body.Write(bytes);
        HasContent = true;
        return null;
    }

    public override void End()
    {
        if (!_ended)
        {
            _ended = true;
            TakeJson(_body.WrittenSpan);
            base.End();
        }
    }
}
