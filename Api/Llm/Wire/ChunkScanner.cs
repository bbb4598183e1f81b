using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// Reads one chunk of a stream, or one plain completion, in one pass: what it says, and whether it is in the form that OpenAI's own clients read. Used anew for each chunk. Not
/// thread-safe.
/// <code>
/// {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1796000000,"model":"chat-default","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}
/// </code>
/// </summary>
internal sealed class ChunkScanner
{
    /// <summary>OpenAI has at most so many.</summary>
    private const int MostChoices = 128;

    private readonly MessageScanner _message = new();
    private readonly List<UsageReport> _reports = [];
    private readonly List<ChoiceScan> _choices = [];

    /// <summary>What it says, thinks and calls, for a count.</summary>
    public ReadOnlySpan<char> Said => _message.Said;

    public IReadOnlyList<UsageReport> Reports => _reports;

    public IReadOnlyList<ChoiceScan> Choices => _choices;

    /// <summary>Where its only text stands.</summary>
    public Range? Text => _message.Text;

    /// <summary>Whether anything was said, thought or called, if only an empty call.</summary>
    public bool HasContent => _message.HasContent;

    /// <summary>Whether it says more than <see cref="Text"/> and its usage.</summary>
    public bool SaysMore => _message.SaysMore || _choices.Exists(choice => choice.FinishReason is not null);

    /// <summary>Whether it names the role of who speaks.</summary>
    public bool HasRole => _message.HasRole;

    /// <summary>Whether it has a member <c>choices</c>, if only null.</summary>
    public bool HasChoices { get; private set; }

    /// <summary>The id, if it is another than that of the chunks before.</summary>
    public string? OtherId { get; private set; }

    /// <summary>The model, if it is another than that of the chunks before.</summary>
    public string? OtherModel { get; private set; }

    /// <summary>Whether it says that it is a chunk of a stream.</summary>
    public bool IsChunk { get; private set; }

    /// <summary>Whether it says that it is a plain completion.</summary>
    public bool IsCompletion { get; private set; }

    /// <summary>Whether something in it would make a client fail, or is missing.</summary>
    public bool IsOdd { get; private set; }

    /// <summary>Whether it is an error, whatever else it has.</summary>
    public bool IsError { get; private set; }

    /// <summary>Whether it is an error unless it has choices.</summary>
    public bool MayBeError { get; private set; }

    /// <summary>What stands under <c>error</c>.</summary>
    public JsonElement? Error { get; private set; }

    /// <param name="reader">At the start of the object; afterwards at its end.</param>
    /// <param name="current">The part that the chunks before it belong to.</param>
    /// <exception cref="JsonException">It is not JSON.</exception>
    /// <exception cref="InvalidOperationException">A name in it is no text.</exception>
    public void Scan(ref Utf8JsonReader reader, AnswerPart current)
    {
        Reset();
        bool hasId = false, hasObject = false, hasCreated = false, hasModel = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("choices"u8))
            {
                reader.Read();
                HasChoices = true;
                ScanChoices(ref reader);
            }
            else if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                hasId = reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length > 0;
                OtherId = hasId && !(current.Id is { } id && reader.ValueTextEquals(id)) ? TextOf(ref reader) : null;
                reader.Skip();
            }
            else if (reader.ValueTextEquals("object"u8))
            {
                reader.Read();
                IsChunk = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("chat.completion.chunk"u8);
                IsCompletion = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("chat.completion"u8);
                hasObject = IsChunk || IsCompletion;
                IsError |= reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("error"u8);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("created"u8))
            {
                reader.Read();
                hasCreated = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out _);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("model"u8))
            {
                reader.Read();
                hasModel = reader.TokenType == JsonTokenType.String;
                OtherModel = hasModel && !(current.Model is { } model && reader.ValueTextEquals(model)) ? TextOf(ref reader) : null;
                reader.Skip();
            }
            else
            {
                ScanOther(ref reader);
            }
        }

        IsOdd |= _message.IsOdd || IsCompletion && _choices.Exists(choice => choice.FinishReason is null) || !(hasId && hasObject && hasCreated && hasModel);
    }

    private void Reset()
    {
        _message.Reset();
        _reports.Clear();
        _choices.Clear();
        (OtherId, OtherModel, Error) = (null, null, null);
        HasChoices = IsChunk = IsCompletion = IsOdd = IsError = MayBeError = false;
    }

    /// <summary>Usage, and errors in every form that is in use.</summary>
    private void ScanOther(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("usage"u8))
        {
            reader.Read();
            ScanUsage(ref reader);
        }
        else if (reader.ValueTextEquals("x_groq"u8))
        {
            // {"x_groq":{"id":"req_1","usage":{…}}}
            reader.Read();
            ScanNestedUsage(ref reader);
        }
        else if (reader.ValueTextEquals("error"u8))
        {
            // {"error": {"message": "Timeout on reading data from socket", "type": "None", "param": "None", "code": "500"}}
            reader.Read();
            ScanError(ref reader);
        }
        else if (reader.ValueTextEquals("type"u8))
        {
            // {"type":"error","code":"server_is_overloaded","message":"…"}
            reader.Read();
            IsError |= reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("error"u8);
            reader.Skip();
        }
        else if (reader.ValueTextEquals("detail"u8) || reader.ValueTextEquals("message"u8) || reader.ValueTextEquals("errors"u8)
            || reader.ValueTextEquals("error_message"u8) || reader.ValueTextEquals("error_code"u8) || reader.ValueTextEquals("error_msg"u8))
        {
            // {"detail":"Not authenticated"}
            reader.Read();
            MayBeError |= IsFilled(ref reader);
            reader.Skip();
        }
        else if (reader.ValueTextEquals("service_tier"u8) || reader.ValueTextEquals("system_fingerprint"u8))
        {
            reader.Read();
            IsOdd |= reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null);
            reader.Skip();
        }
        else
        {
            reader.Skip();
        }
    }

    private void ScanUsage(ref Utf8JsonReader usage)
    {
        if (usage.TokenType == JsonTokenType.StartObject)
        {
            var element = JsonElement.ParseValue(ref usage);
            if (UsageReport.Read(element) is { } report)
            {
                _reports.Add(report);
            }

            IsOdd |= !UsageForm.IsOpenAi(element);
        }
        else
        {
            IsOdd |= usage.TokenType != JsonTokenType.Null;
            usage.Skip();
        }
    }

    private void ScanNestedUsage(ref Utf8JsonReader parent)
    {
        if (parent.TokenType == JsonTokenType.StartObject && JsonElement.ParseValue(ref parent) is var element
            && element.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object && UsageReport.Read(usage) is { } report)
        {
            _reports.Add(report);
            IsOdd = true;
        }
        else
        {
            parent.Skip();
        }
    }

    private void ScanError(ref Utf8JsonReader value)
    {
        IsOdd = true;
        if (IsFilled(ref value))
        {
            Error = JsonElement.ParseValue(ref value);
            IsError = true;
        }
        else
        {
            value.Skip();
        }
    }

    /// <summary>Whether there is something: not null, false, an empty text or an empty object.</summary>
    internal static bool IsFilled(ref readonly Utf8JsonReader value)
    {
        var copy = value;
        return value.TokenType switch
        {
            JsonTokenType.Null or JsonTokenType.False => false,
            JsonTokenType.String => value.ValueSpan.Length > 0,
            JsonTokenType.StartObject => copy.Read() && copy.TokenType != JsonTokenType.EndObject,
            JsonTokenType.StartArray => copy.Read() && copy.TokenType != JsonTokenType.EndArray,
            _ => true,
        };
    }

    private void ScanChoices(ref Utf8JsonReader choices)
    {
        if (choices.TokenType != JsonTokenType.StartArray)
        {
            IsOdd = true;
            choices.Skip();
            return;
        }

        for (var position = 0; choices.Read() && choices.TokenType != JsonTokenType.EndArray; position++)
        {
            if (choices.TokenType == JsonTokenType.StartObject)
            {
                ScanChoice(ref choices, position);
            }
            else
            {
                IsOdd = true;
                choices.Skip();
            }
        }
    }

    private void ScanChoice(ref Utf8JsonReader choice, int position)
    {
        var scan = new ChoiceScan(Math.Min(position, MostChoices - 1), null, false);
        bool hasIndex = false, hasMessage = false;
        while (choice.Read() && choice.TokenType == JsonTokenType.PropertyName)
        {
            if (choice.ValueTextEquals("delta"u8) || choice.ValueTextEquals("message"u8))
            {
                choice.Read();
                hasMessage |= choice.TokenType == JsonTokenType.StartObject;
                scan = scan with { CalledTools = _message.Scan(ref choice) };
            }
            else if (choice.ValueTextEquals("finish_reason"u8))
            {
                choice.Read();
                scan = scan with { FinishReason = ScanFinish(ref choice) };
            }
            else if (choice.ValueTextEquals("index"u8))
            {
                choice.Read();
                if (choice.TokenType == JsonTokenType.Number && choice.TryGetInt32(out var index) && index is >= 0 and < MostChoices)
                {
                    (scan, hasIndex) = (scan with { Index = index }, true);
                }

                choice.Skip();
            }
            else if (choice.ValueTextEquals("usage"u8))
            {
                // Moonshot: {"choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{…}}]}
                choice.Read();
                ScanUsage(ref choice);
                IsOdd = true;
            }
            else if (choice.ValueTextEquals("error"u8))
            {
                choice.Read();
                ScanError(ref choice);
            }
            else
            {
                choice.Skip();
            }
        }

        IsOdd |= !hasIndex || !hasMessage;
        _choices.Add(scan);
    }

    /// <returns>Null when the choice goes on: some gateways say so with an empty text.</returns>
    private string? ScanFinish(ref Utf8JsonReader reason)
    {
        if (reason.TokenType == JsonTokenType.String)
        {
            IsOdd |= !FinishReasons.IsKnown(reason.ValueSpan);
            IsError |= reason.ValueTextEquals(FinishReasons.Error);
            return reason.ValueSpan.IsEmpty ? null : TextOf(ref reason);
        }

        IsOdd |= reason.TokenType != JsonTokenType.Null;
        reason.Skip();
        return null;
    }

    private static string TextOf(ref Utf8JsonReader value) => JsonText.WithoutHalves(JsonText.Decode(value.ValueSpan));
}

/// <summary>What was found of one choice in a chunk.</summary>
/// <param name="FinishReason">The provider's word; null when the choice goes on.</param>
internal readonly record struct ChoiceScan(int Index, string? FinishReason, bool CalledTools);
