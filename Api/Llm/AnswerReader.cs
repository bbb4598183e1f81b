using System.Buffers;
using System.Text.Json;

namespace LlmAspire.Api.Llm;

/// <summary>What the bytes of an answer say about its usage and its end. Not thread-safe: an answer has one reader.</summary>
internal abstract class AnswerReader
{
    /// <summary>The last usage that was not null.</summary>
    public ProviderUsage? Usage { get; private set; }

    public string? FinishReason { get; private set; }

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

        // By the presence of usage alone: OpenAI's usage chunk has no choices, LiteLLM's has one (BerriAI/litellm#28735).
        if (chunk.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
        {
            Usage = ProviderUsage.Read(usage);
        }

        if (chunk.TryGetProperty("choices", out var choices) && choices.ValueKind == JsonValueKind.Array)
        {
            foreach (var choice in choices.EnumerateArray())
            {
                TakeChoice(choice);
            }
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

        if (!HasContent && choice.TryGetProperty("delta", out var delta) && delta.ValueKind == JsonValueKind.Object)
        {
            foreach (var part in delta.EnumerateObject())
            {
                HasContent |= part.Name != "role" && part.Value.ValueKind switch
                {
                    JsonValueKind.String => part.Value.GetString() != "",
                    JsonValueKind.Array => part.Value.GetArrayLength() > 0,
                    JsonValueKind.Object => true,
                    _ => false,
                };
            }
        }
    }

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
