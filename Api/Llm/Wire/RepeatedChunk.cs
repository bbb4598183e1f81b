using System.Buffers;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// A chunk of a stream that says one text, to know the chunks that are equal to it but for that text: nearly all of a stream. What they say can be had without
/// reading them again as JSON. Not thread-safe.
/// </summary>
internal sealed class RepeatedChunk
{
    /// <summary>What ends a JSON string, is written in another way in it, or is not allowed in it.</summary>
    private static readonly SearchValues<byte> Special = SearchValues.Create([.. Enumerable.Range(0, ' ').Select(control => (byte)control), (byte)'"', (byte)'\\']);

    private readonly ArrayBufferWriter<byte> _around = new();
    private int _before;

    /// <param name="text">Where its text stands, between the quotation marks.</param>
    public void Remember(ReadOnlySpan<byte> chunk, Range text)
    {
        _around.ResetWrittenCount();
        _around.Write(chunk[..text.Start.Value]);
        _before = _around.WrittenCount;
        _around.Write(chunk[text.End.Value..]);
    }

    /// <summary>Its like would say something else now.</summary>
    public void Forget() => _around.ResetWrittenCount();

    /// <summary>Finds the text of a chunk that says what the remembered one says, but for it.</summary>
    /// <param name="text">In UTF-8, and without escapes: a text that has some is to be read as JSON.</param>
    public bool TryFindText(ReadOnlySpan<byte> chunk, out ReadOnlySpan<byte> text)
    {
        var around = _around.WrittenSpan;
        if (around.IsEmpty || chunk.Length < around.Length || !chunk.StartsWith(around[.._before]) || !chunk.EndsWith(around[_before..]))
        {
            text = default;
            return false;
        }

        text = chunk[_before..(chunk.Length - around.Length + _before)];
        return !text.ContainsAny(Special);
    }
}
