using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>What the chunks of an answer, or its one plain completion, say about its usage and its end. Not thread-safe: an answer has one reader.</summary>
/// <param name="choices">How many have to come, when nothing else says that the answer is whole.</param>
internal sealed class AnswerFacts(int choices)
{
    /// <summary>More than any gateway falls back to; a gateway may give every chunk an id of its own.</summary>
    private const int MostParts = 16;

    private const int MostOnStack = 256;

    private static readonly JsonReaderOptions MayFollow = new() { AllowMultipleValues = true };

    private readonly List<AnswerPart> _parts = [new()];
    private readonly ChunkScanner _scan = new();

    /// <summary>A bit for each choice: OpenAI has at most 128.</summary>
    private UInt128 _begun;
    private UInt128 _finished;
    private UInt128 _called;

    /// <summary>OpenAI's word for why the answer ended; null while it did not.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>Whether the marker of the end came.</summary>
    public bool IsDone { get; set; }

    /// <summary>Whether the gateway said that the answer has failed: nothing of it follows, though the connection may stay.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Whether every choice that began has ended, or the marker of the end came after one did.</summary>
    /// <remarks>
    /// LiteLLM gives several choices one finish reason. Where fewer began than were asked for, as when a gateway drops <c>n</c>, the usage after the last word stands for the marker.
    /// </remarks>
    public bool IsFinished => FinishReason is not null && (IsDone || _finished == _begun
        && (UInt128.PopCount(_finished) >= (uint)choices || Last.Reports.Count > 0 && !Last.HasTextAfterUsage));

    /// <summary>Whether it comes as one body: then a completion in it is whole, if only it can be read.</summary>
    public bool IsBody { get; set; }

    /// <summary>Whether anything was said, thought or called yet.</summary>
    public bool HasContent { get; set; }

    /// <summary>UTF-16 code units that were said so far.</summary>
    public long Said { get; private set; }

    /// <summary>Why the answer is a failure, as far as it was read; null when it is none.</summary>
    public GatewayFailure? Failure { get; private set; }

    /// <summary>The error in the gateway's words, for the log.</summary>
    public string? ErrorText { get; private set; }

    /// <summary>Whether anything of an answer came.</summary>
    public bool HasAnswer { get; private set; }

    /// <summary>Whether something came that is not even a JSON object.</summary>
    public bool HasNoise { get; private set; }

    /// <summary>What each provider said, in the order in which they spoke. At least one.</summary>
    public IReadOnlyList<AnswerPart> Parts =>
        // A gateway that gives each chunk an id of its own and names the role in each has not changed its provider: after a change there is a chunk with the role, and more.
        _parts.Count > 1 && !_parts.Skip(1).Any(part => part.Chunks > 1) ? [AnswerPart.Join(_parts)] : _parts;

    /// <summary>What the usage of all reports is; null when none came.</summary>
    public ProviderUsage? Usage => Parts[^1].Reports.Usage;

    /// <summary>The part that the chunks belong to now.</summary>
    internal AnswerPart Last => _parts[^1];

    /// <summary>Takes a chunk of a stream, or a plain completion: apart from <c>delta</c> and <c>message</c> they have one form.</summary>
    /// <param name="data">It begins with the JSON; more may follow.</param>
    /// <param name="isErrorEvent">Whether it came as an event of type <c>error</c>.</param>
    /// <param name="length">How much of the data the JSON is: all of it when it is none.</param>
    public ChunkVerdict Take(ReadOnlySpan<byte> data, bool isErrorEvent, out int length)
    {
        length = data.Length;
        try
        {
            var reader = new Utf8JsonReader(data, MayFollow);
            if (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                _scan.Scan(ref reader, Last);
                length = (int)reader.BytesConsumed;
                return Conclude(data[..length], isErrorEvent);
            }

            if (reader.TokenType != JsonTokenType.StartArray)
            {
                length = (int)reader.BytesConsumed;
            }

            HasNoise |= reader.TokenType != JsonTokenType.Null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Not JSON, or a name in it that is no text.
            HasNoise = true;
            if (data.StartsWith("{"u8))
            {
                Fail(GatewayFailure.Unreadable, null);
            }
        }

        if (isErrorEvent)
        {
            Fail(GatewayFailure.From(StatusCodes.Status500InternalServerError, null), Encoding.UTF8.GetString(data));
            IsBroken = true;
        }

        return default;
    }

    /// <summary>Takes a text without escapes, of a chunk that is equal to one before but for it.</summary>
    /// <returns>False when it is none: nothing was taken.</returns>
    public bool TryTakeText(ReadOnlySpan<byte> text)
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

        Last.Chunks++;
        AddText(room[..length]);
        return true;
    }

    /// <summary>The first failure stands.</summary>
    public void Fail(GatewayFailure failure, string? text)
    {
        ErrorText ??= text;
        Failure ??= failure;
    }

    private void AddText(ReadOnlySpan<char> text)
    {
        if (!text.IsEmpty)
        {
            HasContent = Last.HasTextAfterUsage = true;
            Said += text.Length;
            Last.Text.Append(text);
        }
    }

    private ChunkVerdict Conclude(ReadOnlySpan<byte> json, bool isErrorEvent)
    {
        Begin();
        HasContent |= _scan.HasContent;
        AddText(_scan.Said);
        if (isErrorEvent || _scan.IsError || _scan is { MayBeError: true, Choices.Count: 0, Reports.Count: 0 })
        {
            Fail(GatewayFailure.From(StatusOf(_scan.Error), _scan.Error), Encoding.UTF8.GetString(json));
            IsBroken = true;
            return default;
        }

        foreach (var choice in _scan.Choices)
        {
            AddChoice(choice);
        }

        // By the presence of usage alone: OpenAI's usage chunk has no choices, LiteLLM's has one (BerriAI/litellm#28735). It speaks for its own chunk too.
        foreach (var report in _scan.Reports)
        {
            Last.Reports.Add(report);
            Last.HasTextAfterUsage = false;
        }

        var hasUsage = _scan.Reports.Count > 0;
        var isAnswer = _scan.HasChoices || hasUsage;
        HasAnswer |= isAnswer;
        return new ChunkVerdict(
            _scan.SaysMore || _scan.HasRole || _scan.OtherId is not null || hasUsage ? null : _scan.Text,
            isAnswer,
            _scan.IsChunk,
            _scan is { IsOdd: false, HasChoices: true } && !json.ContainsAny((byte)'\n', (byte)'\r') && !JsonText.MayHaveHalves(json),
            hasUsage,
            _scan.SaysMore || _scan.HasRole || _scan.Text is not null);
    }

    /// <summary>Counts the chunk to its part, which may begin with it: the role comes once a provider.</summary>
    private void Begin()
    {
        if (_scan.OtherId is null)
        {
            Last.Chunks++;
        }
        else if (Last.Id is null)
        {
            (Last.Id, Last.Chunks) = (_scan.OtherId, 1);
        }
        else if (_scan.HasRole && _parts.Count < MostParts)
        {
            _parts.Add(new AnswerPart { Id = _scan.OtherId, Chunks = 1 });
        }

        Last.Model = _scan.OtherModel ?? Last.Model;
    }

    private void AddChoice(ChoiceScan choice)
    {
        var bit = UInt128.One << choice.Index;
        _begun |= bit;
        _called |= choice.CalledTools ? bit : 0;
        if ((choice.FinishReason ?? (IsBody && _scan.IsCompletion ? "" : null)) is { } reason)
        {
            _finished |= bit;
            FinishReason = FinishReasons.Normalize(reason, (_called & bit) != 0);
        }
    }

    private static int StatusOf(JsonElement? error)
    {
        if (error is { ValueKind: JsonValueKind.Object } value && value.TryGetProperty("code", out var code))
        {
            if (code.ValueKind == JsonValueKind.Number && code.TryGetInt32(out var number))
            {
                return number;
            }

            if (code.ValueKind == JsonValueKind.String && int.TryParse(JsonText.Decode(code), out var parsed))
            {
                return parsed;
            }
        }

        return StatusCodes.Status500InternalServerError;
    }
}
