using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Forwarding;

/// <summary>
/// Makes the chunks of a streamed answer those of ours. A usual chunk stays as it came, after three searches for a few bytes; only one that names another
/// model, has usage that nobody asked for, or may be an error is read. What it leaves out: errors, which hold the gateway's words, <c>[DONE]</c>, which
/// waits for the ledger, and the gateway's comments. Not thread-safe.
/// </summary>
internal sealed class ChunkForwarder
{
    private readonly ServerSentEventReader _events = new();
    private readonly ServerSentEventReader.EventHandler _take;
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly string _alias;
    private readonly bool _tellUsage;

    /// <summary><c>"model":"chat-default"</c>, as LiteLLM writes it. Within a text of the answer the quotation marks would be escaped.</summary>
    private readonly byte[] _model;

    /// <param name="alias">The model that the answer says it is of.</param>
    /// <param name="tellUsage">Whether the reader wants the usage.</param>
    public ChunkForwarder(string alias, bool tellUsage)
    {
        (_alias, _tellUsage) = (alias, tellUsage);
        _model = [.. "\"model\":\""u8, .. JsonEncodedText.Encode(alias, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes, (byte)'"'];
        _take = (data, _) => Take(data);
    }

    /// <summary>Whether <c>[DONE]</c> came.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Takes the next bytes, however they are cut.</summary>
    /// <returns>The events that are whole by now; until the next call.</returns>
    public ReadOnlyMemory<byte> Forward(ReadOnlySpan<byte> bytes)
    {
        _output.ResetWrittenCount();
        _events.Append(bytes, _take);
        return _output.WrittenMemory;
    }

    private void Take(ReadOnlySpan<byte> data)
    {
        if (IsDone)
        {
            return;
        }

        if (data.SequenceEqual("[DONE]"u8))
        {
            IsDone = true;
        }
        else if (data.IndexOf(_model) >= 0 && data.IndexOf("\"error\""u8) < 0 && (_tellUsage || data.IndexOf("\"usage\""u8) < 0) && !data.Contains((byte)'\n'))
        {
            WriteEvent(data);
        }
        else
        {
            Rewrite(data);
        }
    }

    private void Rewrite(ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new Utf8JsonReader(data);
            using var document = JsonDocument.ParseValue(ref reader);
            var chunk = document.RootElement;
            if (chunk.ValueKind == JsonValueKind.Object
                && !(chunk.TryGetProperty("error", out var error) && error.ValueKind != JsonValueKind.Null)
                && (_tellUsage || !AnswerRewriter.IsUsageAlone(chunk)))
            {
                var rewritten = new ArrayBufferWriter<byte>(data.Length + _alias.Length);
                AnswerRewriter.Write(chunk, _alias, _tellUsage, rewritten);
                WriteEvent(rewritten.WrittenSpan);
            }
        }
        catch (JsonException)
        {
            // Whoever reads the answer for the ledger has found it unreadable too: the failure follows.
        }
    }

    private void WriteEvent(ReadOnlySpan<byte> data)
    {
        var room = _output.GetSpan(data.Length + 8);
        "data: "u8.CopyTo(room);
        data.CopyTo(room[6..]);
        "\n\n"u8.CopyTo(room[(6 + data.Length)..]);
        _output.Advance(data.Length + 8);
    }
}
