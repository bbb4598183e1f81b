using System.Buffers.Binary;

namespace LlmAspire.Usage;

/// <summary>Makes UUIDs version 7 out of what they are to say, and reads their time (RFC 9562, section 5.7).</summary>
public static class UuidV7
{
    /// <summary>The same time and bytes make the same id.</summary>
    /// <param name="time">Milliseconds count, not less.</param>
    /// <param name="bytes">Ten bytes in the place of the random ones, such as a part of a hash.</param>
    public static Guid Create(DateTimeOffset time, ReadOnlySpan<byte> bytes)
    {
        Span<byte> id = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(id, (ulong)time.ToUnixTimeMilliseconds() << 16);
        bytes[..10].CopyTo(id[6..]);
        id[6] = (byte)(0x70 | (id[6] & 0x0f));
        id[8] = (byte)(0x80 | (id[8] & 0x3f));
        return new Guid(id, bigEndian: true);
    }

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
