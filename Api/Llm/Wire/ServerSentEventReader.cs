using System.Buffers;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// Takes a stream of server-sent events apart while its bytes pass, however they are cut. The data of an event matters here, and whether it is one of type <c>error</c>:
/// <code>
/// data: {"choices":[{"delta":{"content":"Hi"}}]}
///
/// event: error
/// data: {"message":"overloaded"}
///
/// data: [DONE]
///
/// </code>
/// </summary>
/// <remarks>The parser of the base library reads from a stream of its own; these bytes belong to the reader of the answer. Not thread-safe.</remarks>
/// <seealso href="https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation"/>
internal sealed class ServerSentEventReader
{
    private const byte Cr = (byte)'\r';
    private const byte Lf = (byte)'\n';

    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly ArrayBufferWriter<byte> _data = new();
    private bool _hasData;
    private bool _isError;
    private bool _afterCr;

    /// <summary>Called with the data of each event that has some; lines of it are separated by a line feed.</summary>
    public delegate void EventHandler(ReadOnlySpan<byte> data, bool isError);

    public void Append(ReadOnlySpan<byte> bytes, EventHandler onEvent)
    {
        while (!bytes.IsEmpty)
        {
            if (_afterCr)
            {
                _afterCr = false;
                if (bytes[0] == Lf)
                {
                    bytes = bytes[1..];
                    continue;
                }
            }

            var length = bytes.IndexOfAny(Cr, Lf);
            if (length < 0)
            {
                _line.Write(bytes);
                return;
            }

            _afterCr = bytes[length] == Cr;
            if (_line.WrittenCount > 0)
            {
                _line.Write(bytes[..length]);
                TakeLine(_line.WrittenSpan, onEvent);
                _line.ResetWrittenCount();
            }
            else
            {
                TakeLine(bytes[..length], onEvent);
            }

            bytes = bytes[(length + 1)..];
        }
    }

    /// <summary>
    /// The bytes ended. The standard drops an event without the blank line behind it; its data is given all the same, as many servers leave out the last line end. It may be half of what
    /// was meant.
    /// </summary>
    public void End(EventHandler onEvent)
    {
        if (_line.WrittenCount > 0)
        {
            TakeLine(_line.WrittenSpan, onEvent);
            _line.ResetWrittenCount();
        }

        TakeLine(default, onEvent);
    }

    private void TakeLine(ReadOnlySpan<byte> line, EventHandler onEvent)
    {
        if (line.IsEmpty)
        {
            if (_hasData && !_data.WrittenSpan.Trim((byte)' ').IsEmpty)
            {
                onEvent(_data.WrittenSpan, _isError);
            }

            (_hasData, _isError) = (false, false);
            _data.ResetWrittenCount();
            return;
        }

        if (TryReadField(line, "data"u8, out var data))
        {
            if (_hasData)
            {
                _data.Write("\n"u8);
            }

            _data.Write(data);
            _hasData = true;
        }
        else if (TryReadField(line, "event"u8, out var type))
        {
            _isError = type.SequenceEqual("error"u8);
        }
    }

    /// <summary><c>name: value</c>, <c>name:value</c>, or <c>name</c> for an empty one.</summary>
    private static bool TryReadField(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!line.StartsWith(name) || line.Length > name.Length && line[name.Length] != (byte)':')
        {
            return false;
        }

        value = line.Length > name.Length ? line[(name.Length + 1)..] : default;
        value = value.StartsWith(" "u8) ? value[1..] : value;
        return true;
    }
}
