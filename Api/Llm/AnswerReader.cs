using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;

namespace LlmAspire.Api.Llm;

/// <summary>What the bytes of an answer say about its usage and its end. Not thread-safe: an answer has one reader.</summary>
/// <param name="choices">How many have to come, when nothing else says that the answer is whole.</param>
internal abstract class AnswerReader(int choices)
{
    /// <summary>More than any gateway falls back to: their ids are kept, and a gateway may give every chunk one.</summary>
    private const int MostProviders = 16;

    private const int MostOnStack = 256;

    /// <summary>What stands for half of a surrogate pair, whose other half is in the next chunk: "\ud83d".</summary>
    private const string Unreadable = "\uFFFD";

    private readonly List<string> _chunkIds = [];

    /// <summary>Where the text of the current chunk stands, and whether the chunk says more that counts.</summary>
    private Range? _text;
    private bool _saysMore;

    /// <summary>A bit for each choice: OpenAI has at most 128.</summary>
    private UInt128 _begun;
    private UInt128 _finished;

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

    /// <summary>
    /// Whether nothing is missing: the marker of the end came (LiteLLM gives several choices one finish reason), or every choice that was asked for has its own.
    /// Where fewer began than were asked for, as when a gateway drops <c>n</c>, the usage after the last word stands for the marker.
    /// </summary>
    public bool IsFinished => FinishReason is not null && (IsDone || _finished == _begun && (UInt128.PopCount(_finished) >= (uint)choices || Usage is not null && !HasTextAfterUsage));

    /// <summary>Whether the marker of the end came.</summary>
    protected bool IsDone { get; set; }

    /// <summary>Whether the answer comes in pieces.</summary>
    public abstract bool IsStreamed { get; }

    /// <summary>Whether anything was said, thought or called yet.</summary>
    public bool HasContent { get; protected set; }

    /// <summary>Why the answer is a failure, as far as it was read; null when it is none.</summary>
    public GatewayFailure? Failure { get; private set; }

    /// <summary>The error in the gateway's words, for the log.</summary>
    public string? ErrorText { get; private set; }

    /// <summary>What is made of the chunks of a stream, from the next bytes on; null for nothing.</summary>
    public IChunkRewriter? Rewriter { get; set; }

    /// <summary>What <see cref="Rewriter"/> made of the last bytes: whole events, without the marker of the end. Until the next bytes.</summary>
    public virtual ReadOnlyMemory<byte> Rewritten => default;

    /// <summary>Takes the next bytes.</summary>
    /// <returns>Where in them the marker of the end begins, which nobody may see before the usage is durable; null when it is not there.</returns>
    public abstract int? Append(ReadOnlySpan<byte> bytes);

    /// <summary>The answer ended. One that lacks a finish reason is a failure, whatever else it says.</summary>
    public virtual void End()
    {
        if (!IsFinished)
        {
            Failure ??= GatewayFailure.Incomplete;
        }
    }

    /// <summary>Takes a chunk of a stream, or a whole plain answer: apart from <c>delta</c> and <c>message</c> they have one form.</summary>
    /// <returns>Where its text stands; null when it has not one, or says something else that counts.</returns>
    protected Range? TakeJson(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            if (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                return Take(ref reader);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Not JSON, or a name in it that is no text: as unreadable as JSON that is no object.
        }

        Failure ??= GatewayFailure.Unreadable;
        return null;
    }

    /// <summary>Takes a text without escapes, of a chunk that is equal to one before but for it.</summary>
    /// <returns>False when it is none: nothing was taken.</returns>
    protected bool TryTakeText(ReadOnlySpan<byte> text)
    {
        if (text.Length > MostOnStack)
        {
            return false;
        }

        Span<char> room = stackalloc char[MostOnStack];
        if (Utf8.ToUtf16(text, room, out _, out var length, replaceInvalidSequences: false) != OperationStatus.Done)
        {
            return false;
        }

        Append(room[..length]);
        return true;
    }

    /// <summary>In one pass: it is done for many tokens.</summary>
    /// <inheritdoc cref="TakeJson"/>
    private Range? Take(ref Utf8JsonReader chunk)
    {
        string? otherId = null;
        ProviderUsage? usage = null;
        var hasRole = false;
        (_text, _saysMore) = (null, false);
        while (chunk.Read() && chunk.TokenType == JsonTokenType.PropertyName)
        {
            if (chunk.ValueTextEquals("id"u8))
            {
                chunk.Read();
                otherId = OtherId(ref chunk);
            }
            else if (chunk.ValueTextEquals("choices"u8))
            {
                chunk.Read();
                TakeChoices(ref chunk, ref hasRole);
            }
            else if (chunk.ValueTextEquals("usage"u8))
            {
                chunk.Read();
                usage = ReadUsage(ref chunk);
            }
            else if (chunk.ValueTextEquals("error"u8))
            {
                chunk.Read();
                TakeError(ref chunk);
            }
            else
            {
                chunk.Skip();
            }
        }

        // Some gateways give each chunk an id of its own; the role comes once a provider.
        if (otherId is not null && (hasRole || _chunkIds.Count == 0))
        {
            _chunkIds.Add(otherId);
        }

        // By the presence of usage alone: OpenAI's usage chunk has no choices, LiteLLM's has one (BerriAI/litellm#28735). It speaks for its own chunk too.
        if (usage is not null)
        {
            Usage = usage.Merge(Usage);
            HasTextAfterUsage = false;
        }

        return _saysMore || hasRole || otherId is not null || usage is not null ? null : _text;
    }

    /// <summary>Null for the id that the chunks have had so far.</summary>
    private string? OtherId(ref Utf8JsonReader id)
    {
        if (id.TokenType == JsonTokenType.String)
        {
            return _chunkIds.Count == MostProviders || _chunkIds.Count > 0 && id.ValueTextEquals(_chunkIds[^1]) ? null : TextOf(ref id);
        }

        id.Skip();
        return null;
    }

    private static ProviderUsage? ReadUsage(ref Utf8JsonReader usage)
    {
        if (usage.TokenType == JsonTokenType.StartObject)
        {
            return ProviderUsage.Read(JsonElement.ParseValue(ref usage));
        }

        usage.Skip();
        return null;
    }

    private void TakeError(ref Utf8JsonReader value)
    {
        if (value.TokenType != JsonTokenType.Null)
        {
            // data: {"error": {"message": "Timeout on reading data from socket", "type": "None", "param": "None", "code": "500"}}
            var error = JsonElement.ParseValue(ref value);
            ErrorText ??= error.GetRawText();
            Failure ??= GatewayFailure.From(StatusOf(error), error);
        }
    }

    private void TakeChoices(ref Utf8JsonReader choices, ref bool hasRole)
    {
        if (choices.TokenType != JsonTokenType.StartArray)
        {
            choices.Skip();
            return;
        }

        while (choices.Read() && choices.TokenType != JsonTokenType.EndArray)
        {
            if (choices.TokenType == JsonTokenType.StartObject)
            {
                TakeChoice(ref choices, ref hasRole);
            }
            else
            {
                choices.Skip();
            }
        }
    }

    private void TakeChoice(ref Utf8JsonReader choice, ref bool hasRole)
    {
        var (index, isFinished) = (0, false);
        while (choice.Read() && choice.TokenType == JsonTokenType.PropertyName)
        {
            if (choice.ValueTextEquals("delta"u8))
            {
                choice.Read();
                hasRole |= TakeMessage(ref choice);
            }
            else if (choice.ValueTextEquals("message"u8))
            {
                choice.Read();
                TakeMessage(ref choice);
            }
            else if (choice.ValueTextEquals("finish_reason"u8))
            {
                choice.Read();
                if (choice.TokenType == JsonTokenType.String)
                {
                    (FinishReason, isFinished) = (TextOf(ref choice), true);
                }

                choice.Skip();
            }
            else if (choice.ValueTextEquals("index"u8))
            {
                choice.Read();
                index = choice.TokenType == JsonTokenType.Number && choice.TryGetInt32(out var number) ? number : 0;
                choice.Skip();
            }
            else
            {
                choice.Skip();
            }
        }

        var bit = UInt128.One << index;
        _begun |= bit;
        _finished |= isFinished ? bit : 0;
        _saysMore |= isFinished;
    }

    /// <returns>Whether it names the role of who speaks.</returns>
    private bool TakeMessage(ref Utf8JsonReader message)
    {
        if (message.TokenType != JsonTokenType.StartObject)
        {
            message.Skip();
            return false;
        }

        var (hasRole, hasThoughts) = (false, false);
        Utf8JsonReader thoughts = default;
        while (message.Read() && message.TokenType == JsonTokenType.PropertyName)
        {
            // What a model makes. Gateways put more into it: signatures, and thoughts a second time in another form.
            if (message.ValueTextEquals("content"u8) || message.ValueTextEquals("refusal"u8)
                || message.ValueTextEquals("tool_calls"u8) || message.ValueTextEquals("function_call"u8))
            {
                message.Read();
                TakeText(ref message);
            }
            else if (message.ValueTextEquals("reasoning_content"u8))
            {
                hasThoughts = true;
                message.Read();
                TakeText(ref message);
            }
            else
            {
                if (message.ValueTextEquals("reasoning"u8))
                {
                    // Counts when reasoning_content does not follow; a copy of the reader stays at its place.
                    thoughts = message;
                }

                hasRole |= message.ValueTextEquals("role"u8);
                message.Skip();
            }
        }

        if (!hasThoughts && thoughts.TokenType == JsonTokenType.PropertyName)
        {
            thoughts.Read();
            TakeText(ref thoughts);
        }

        return hasRole;
    }

    /// <summary>Text, thoughts and refusals are strings; calls of tools have a name and arguments somewhere inside.</summary>
    private void TakeText(ref Utf8JsonReader value)
    {
        switch (value.TokenType)
        {
            case JsonTokenType.String:
                AppendText(ref value);
                break;
            case JsonTokenType.StartArray:
                while (value.Read() && value.TokenType != JsonTokenType.EndArray)
                {
                    TakeText(ref value);
                }

                break;
            case JsonTokenType.StartObject:
                HasContent = true;
                while (value.Read() && value.TokenType == JsonTokenType.PropertyName)
                {
                    // Not the marks around them: {"index":0,"id":"call_1","type":"function","function":{"name":"…","arguments":"…"}}
                    if (value.ValueTextEquals("function"u8) || value.ValueTextEquals("name"u8) || value.ValueTextEquals("arguments"u8) || value.ValueTextEquals("text"u8))
                    {
                        value.Read();
                        TakeText(ref value);
                    }
                    else
                    {
                        value.Skip();
                    }
                }

                break;
        }
    }

    private void AppendText(ref Utf8JsonReader value)
    {
        var length = value.ValueSpan.Length;
        if (length == 0)
        {
            return;
        }

        var start = (int)value.TokenStartIndex + 1;
        (_text, _saysMore) = (start..(start + length), _saysMore || _text is not null);
        // UTF-16 has no more code units than UTF-8.
        var rented = length > MostOnStack ? ArrayPool<char>.Shared.Rent(length) : null;
        Span<char> room = rented is null ? stackalloc char[MostOnStack] : rented;
        try
        {
            Append(room[..value.CopyString(room)]);
        }
        catch (InvalidOperationException)
        {
            Append(Unreadable);
        }

        if (rented is not null)
        {
            ArrayPool<char>.Shared.Return(rented);
        }
    }

    private void Append(ReadOnlySpan<char> text)
    {
        if (!text.IsEmpty)
        {
            (HasContent, HasTextAfterUsage) = (true, true);
            Text.Append(text);
        }
    }

    private static string TextOf(ref Utf8JsonReader value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Unreadable;
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
    private readonly ServerSentEventReader.EventHandler _take;
    private readonly RepeatedChunk _repeated = new();
    private readonly ArrayBufferWriter<byte> _rewritten = new();
    private bool _keepsRepeated;
    private int? _doneAt;

    /// <param name="choices">How many were asked for.</param>
    public StreamedAnswerReader(int choices)
        : base(choices) => _take = Take;

    public override bool IsStreamed => true;

    public override ReadOnlyMemory<byte> Rewritten => _rewritten.WrittenMemory;

    public override int? Append(ReadOnlySpan<byte> bytes)
    {
        _doneAt = null;
        _rewritten.ResetWrittenCount();
        _events.Append(bytes, _take);
        return _doneAt;
    }

    private void Take(ReadOnlySpan<byte> data, int start)
    {
        if (IsDone)
        {
            return;
        }

        if (data.SequenceEqual("[DONE]"u8))
        {
            IsDone = true;
            _doneAt = start;
            End();
        }
        else if (_repeated.TryFindText(data, out var repeated) && TryTakeText(repeated))
        {
            Rewriter?.Write(data, _keepsRepeated, _rewritten);
        }
        else
        {
            var text = TakeJson(data);
            var isKept = Rewriter?.Write(data, isLikeKept: false, _rewritten) == true;
            if (text is { } itsText)
            {
                _repeated.Remember(data, itsText);
                _keepsRepeated = isKept;
            }
        }
    }
}

/// <summary>An answer that comes as one JSON object, read once at its end: it is whole, however many choices it has.</summary>
internal sealed class PlainAnswerReader() : AnswerReader(choices: 1)
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
