using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Forwarding;

/// <summary>
/// Makes the chunks of a streamed answer those of ours. A usual chunk stays as it came, and only one that names another model, has usage that nobody asked
/// for, or may be an error is read. What it leaves out: errors, which hold the gateway's words. Immutable.
/// </summary>
internal sealed class ChunkRewriter : IChunkRewriter
{
    private readonly string _alias;
    private readonly bool _tellUsage;

    /// <summary><c>"model":"chat-default"</c>, as LiteLLM writes it. Within a text of the answer the quotation marks would be escaped.</summary>
    private readonly byte[] _model;

    /// <param name="alias">The model that the answer says it is of.</param>
    /// <param name="tellUsage">Whether the reader wants the usage.</param>
    public ChunkRewriter(string alias, bool tellUsage)
    {
        (_alias, _tellUsage) = (alias, tellUsage);
        _model = [.. "\"model\":\""u8, .. JsonEncodedText.Encode(alias, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes, (byte)'"'];
    }

    public bool Write(ReadOnlySpan<byte> chunk, bool isLikeKept, IBufferWriter<byte> events)
    {
        if (isLikeKept || IsOurs(chunk))
        {
            WriteEvent(chunk, events);
            return true;
        }

        Rewrite(chunk, events);
        return false;
    }

    /// <summary>By a few searches: what they find in a text is no more than a reason to read it.</summary>
    private bool IsOurs(ReadOnlySpan<byte> chunk) =>
        chunk.IndexOf(_model) >= 0 && chunk.IndexOf("\"error\""u8) < 0 && (_tellUsage || chunk.IndexOf("\"usage\""u8) < 0) && !chunk.Contains((byte)'\n');

    private void Rewrite(ReadOnlySpan<byte> data, IBufferWriter<byte> events)
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
                WriteEvent(rewritten.WrittenSpan, events);
            }
        }
        catch (JsonException)
        {
            // Whoever reads the answer for the ledger has found it unreadable too: the failure follows.
        }
    }

    private static void WriteEvent(ReadOnlySpan<byte> data, IBufferWriter<byte> events)
    {
        var room = events.GetSpan(data.Length + 8);
        "data: "u8.CopyTo(room);
        data.CopyTo(room[6..]);
        "\n\n"u8.CopyTo(room[(6 + data.Length)..]);
        events.Advance(data.Length + 8);
    }
}
