using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// Reads the bytes of an answer, however they come: finds out in which form it is (events or a plain body, whatever its content type says), counts what it tells, and makes of it what was asked
/// for. Not thread-safe: an answer has one reader.
/// </summary>
internal sealed class AnswerReader
{
    private readonly ServerSentEventReader _events = new();
    private readonly ServerSentEventReader.EventHandler _onEvent;
    private readonly ServerSentEventReader.EventHandler _onLastEvent;
    private readonly RepeatedChunk _repeated = new();
    private readonly ArrayBufferWriter<byte> _body = new();
    private readonly ChunkCleaner _cleaner;
    private readonly IAnswerOutput _output;
    private readonly EventOutput? _stream;
    private Form _form;
    private bool _keepsRepeated;
    private bool _hasEnded;

    /// <param name="isStreamed">Whether events were asked for, and not a plain completion.</param>
    /// <param name="choices">How many were asked for.</param>
    /// <param name="cleaner">Of this answer alone.</param>
    public AnswerReader(bool isStreamed, int choices, ChunkCleaner cleaner)
    {
        (IsStreamed, _cleaner) = (isStreamed, cleaner);
        Facts = new AnswerFacts(choices);
        _stream = isStreamed ? new EventOutput(cleaner) : null;
        _output = _stream ?? (IAnswerOutput)new CompletionOutput(cleaner);
        (_onEvent, _onLastEvent) = (Take, TakeLast);
    }

    private enum Form
    {
        Unknown,
        Events,
        Json,
    }

    /// <summary>Whether the reader of the answer gets events.</summary>
    public bool IsStreamed { get; }

    public AnswerFacts Facts { get; }

    /// <summary>What the reader of the answer gets of the last bytes; without the marker of the end.</summary>
    public ReadOnlyMemory<byte> Output => _output.Written;

    private bool HasEnded => Facts.IsDone || Facts.IsBroken;

    /// <inheritdoc cref="EventOutput.Shape"/>
    public void Shape(string alias, bool tellsUsage) => _stream?.Shape(alias, tellsUsage);

    /// <summary>Takes the next bytes.</summary>
    /// <returns>Whether the answer has ended: the marker of the end came, or the gateway said that it has failed.</returns>
    public bool Append(ReadOnlySpan<byte> bytes)
    {
        _output.Reset();
        if (_form == Form.Unknown)
        {
            _body.Write(bytes);
            if (!TryFindForm())
            {
                return false;
            }

            bytes = _body.WrittenSpan;
        }
        else if (_form == Form.Json)
        {
            _body.Write(bytes);
        }

        if (_form == Form.Events)
        {
            _events.Append(bytes, _onEvent);
        }
        else
        {
            // What a plain body says is known at its end.
            Facts.HasContent = true;
        }

        return HasEnded;
    }

    /// <summary>The bytes ended. An answer that lacks a finish reason is a failure, whatever else it says.</summary>
    public void End()
    {
        if (_hasEnded)
        {
            return;
        }

        _output.Reset();
        if (_form == Form.Json)
        {
            TakeBody(_body.WrittenSpan);
        }
        else if (_form == Form.Events)
        {
            _events.End(_onLastEvent);
        }

        EndOnce();
    }

    private void EndOnce()
    {
        if (_hasEnded)
        {
            return;
        }

        _hasEnded = true;
        if (!Facts.IsFinished)
        {
            Facts.Fail(!Facts.HasNoise && (Facts.HasAnswer || IsStreamed) ? GatewayFailure.Incomplete : GatewayFailure.Unreadable, null);
        }

        if (Facts.Failure is null)
        {
            _output.End(Facts.Parts[^1]);
        }
    }

    /// <summary>By its first character: a JSON object or array begins with a bracket, and no field of an event does. A byte order mark may stand before either.</summary>
    private bool TryFindForm()
    {
        var bytes = _body.WrittenSpan;
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        if (bytes.Length < mark.Length && mark.StartsWith(bytes))
        {
            return false;
        }

        var text = (bytes.StartsWith(mark) ? bytes[mark.Length..] : bytes).TrimStart(" \t\r\n"u8);
        if (text.IsEmpty)
        {
            return false;
        }

        _form = text[0] is (byte)'{' or (byte)'[' ? Form.Json : Form.Events;
        Facts.IsBody = _cleaner.IsBody = _form == Form.Json;
        var rest = text.ToArray();
        _body.ResetWrittenCount();
        _body.Write(rest);
        return true;
    }

    /// <summary>One JSON object, or several behind each other; some gateways put the marker of a stream's end behind it.</summary>
    private void TakeBody(ReadOnlySpan<byte> body)
    {
        body = body.Trim(" \t\r\n"u8);
        while (!body.IsEmpty && !HasEnded)
        {
            if (body.StartsWith("data:"u8))
            {
                body = body["data:"u8.Length..].TrimStart(" \t\r\n"u8);
            }

            if (IsMarker(body))
            {
                return;
            }

            body = body[TakeOne(body, isError: false)..].TrimStart(" \t\r\n"u8);
        }
    }

    private void Take(ReadOnlySpan<byte> data, bool isError)
    {
        if (HasEnded)
        {
            return;
        }

        if (!isError && !_cleaner.IsWaiting && _repeated.TryFindText(data, out var repeated) && Facts.TryTakeText(repeated))
        {
            if (_keepsRepeated)
            {
                _output.WriteLike(data);
            }
            else
            {
                _output.Write(data, new ChunkVerdict(null, IsAnswer: true, IsChunk: true, IsClean: false, HasUsage: false, SaysMore: true));
            }

            return;
        }

        // Usually one object. Some gateways put several into an event, a line each (ggml-org/llama.cpp#14268).
        for (data = data.Trim(" \t\r\n"u8); !data.IsEmpty && !HasEnded; data = data.TrimStart(" \t\r\n"u8))
        {
            if (IsMarker(data))
            {
                Facts.IsDone = true;
                EndOnce();
                return;
            }

            data = data[TakeOne(data, isError)..];
        }
    }

    /// <summary>An event without its end: what is half is as if it had not come.</summary>
    private void TakeLast(ReadOnlySpan<byte> data, bool isError)
    {
        data = data.Trim(" \t\r\n"u8);
        if (IsMarker(data) || IsWhole(data))
        {
            Take(data, isError);
        }
    }

    /// <returns>How much of the data the first value of it is.</returns>
    private int TakeOne(ReadOnlySpan<byte> data, bool isError)
    {
        if (data[0] == (byte)'[' && TryTakeArray(data, isError))
        {
            return data.Length;
        }

        var part = Facts.Last;
        var verdict = Facts.Take(data, isError, out var length);
        var json = data[..length];
        var isKept = _output.Write(json, in verdict);
        if (verdict.Text is { } text)
        {
            _repeated.Remember(json, text);
            _keepsRepeated = isKept;
        }
        else if (Facts.Last != part)
        {
            _repeated.Forget();
        }

        return length;
    }

    /// <summary>Some gateways put several objects into an array.</summary>
    private bool TryTakeArray(ReadOnlySpan<byte> data, bool isError)
    {
        if (!IsWhole(data))
        {
            return false;
        }

        using var array = JsonDocument.Parse(data.ToArray());
        foreach (var item in array.RootElement.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object && !HasEnded))
        {
            TakeOne(JsonMarshal.GetRawUtf8Value(item), isError);
        }

        return true;
    }

    private static bool IsMarker(ReadOnlySpan<byte> data) => data.SequenceEqual("[DONE]"u8);

    private static bool IsWhole(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            return reader.Read() && reader.TrySkip() && reader.BytesConsumed == json.Length;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
