using System.Buffers;

namespace LlmAspire.Api.Llm;

/// <summary>
/// Takes a stream of server-sent events apart while its bytes pass, however they are cut. Only <c>data</c> matters here:
/// <code>
/// data: {"choices":[{"delta":{"content":"Hi"}}]}
///
/// data: [DONE]
///
/// </code>
/// </summary>
/// <remarks>The parser of the base library reads from a stream of its own; these bytes belong to the reader of the answer.</remarks>
/// <seealso href="https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation"/>
internal sealed class ServerSentEventReader
{
    private const byte Cr = (byte)'\r';
    private const byte Lf = (byte)'\n';

    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly ArrayBufferWriter<byte> _data = new();
    private bool _hasData;
    private bool _afterCr;

    /// <summary>Called with the data of each event; <paramref name="start"/> is where it begins in the current bytes, 0 if before them.</summary>
    public delegate void EventHandler(ReadOnlySpan<byte> data, int start);

    public void Append(ReadOnlySpan<byte> bytes, EventHandler onEvent)
    {
        var eventStart = 0;
        var position = 0;
        while (position < bytes.Length)
        {
            if (_afterCr && bytes[position] == Lf)
            {
                position++;
                _afterCr = false;
                eventStart = _hasData ? eventStart : position;
                continue;
            }

            _afterCr = false;
            var length = bytes[position..].IndexOfAny(Cr, Lf);
            if (length < 0)
            {
                _line.Write(bytes[position..]);
                return;
            }

            var line = bytes.Slice(position, length);
            position += length;
            _afterCr = bytes[position++] == Cr;
            if (_line.WrittenCount > 0)
            {
                _line.Write(line);
                TakeLine(_line.WrittenSpan, eventStart, onEvent);
                _line.ResetWrittenCount();
            }
            else
            {
                TakeLine(line, eventStart, onEvent);
            }

            eventStart = _hasData ? eventStart : position;
        }
    }

    private void TakeLine(ReadOnlySpan<byte> line, int eventStart, EventHandler onEvent)
    {
        if (line.IsEmpty)
        {
            if (_hasData)
            {
                _hasData = false;
                onEvent(_data.WrittenSpan, eventStart);
                _data.ResetWrittenCount();
            }

            return;
        }

        if (!line.StartsWith("data"u8) || (line.Length > 4 && line[4] != (byte)':'))
        {
            return;
        }

        if (_hasData)
        {
            _data.Write("\n"u8);
        }

        var value = line.Length > 4 ? line[5..] : default;
        _data.Write(value.StartsWith(" "u8) ? value[1..] : value);
        _hasData = true;
    }
}
