using System.Buffers;

namespace LlmAspire.Api.Llm;

/// <summary>Makes of the chunks of a streamed answer what its reader gets, in the one pass over its bytes. Not thread-safe.</summary>
internal interface IChunkRewriter
{
    /// <summary>Writes the event of a chunk, or nothing.</summary>
    /// <param name="chunk">Its data; never <c>[DONE]</c>.</param>
    /// <param name="isLikeKept">Whether a chunk that is equal to it but for what it says was kept as it came.</param>
    /// <returns>Whether it was kept as it came.</returns>
    bool Write(ReadOnlySpan<byte> chunk, bool isLikeKept, IBufferWriter<byte> events);
}
