using System.Buffers.Binary;

namespace LlmAspire.Usage;

/// <summary>Reads the time out of a UUID version 7 (RFC 9562, section 5.7).</summary>
public static class UuidV7
{
    /// <summary>The first 48 bits: milliseconds since the Unix epoch.</summary>
    /// <exception cref="ArgumentException">When <paramref name="id"/> is not of version 7.</exception>
    public static long UnixMilliseconds(Guid id)
    {
        if (id.Version != 7)
        {
            throw new ArgumentException($"{id} is a UUID of version {id.Version}, not 7.", nameof(id));
        }

        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return (long)(BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16);
    }
}
