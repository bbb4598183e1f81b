using System.Text;

namespace LlmAspire.Api.Unicode;

/// <summary>
/// JSON in UTF-8 as it comes from somebody else, alone or in lines, repaired while it is read: see <see cref="JsonRepair"/>. Bytes that are no UTF-8 become U+FFFD too. Nothing is held back
/// longer than until the next byte. For one reader.
/// </summary>
internal sealed class RepairedJsonStream(Stream inner) : Stream
{
    private const int BufferSize = 16 * 1024;

    private readonly byte[] _bytes = new byte[BufferSize];
    private readonly char[] _characters = new char[Encoding.UTF8.GetMaxCharCount(BufferSize)];
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly JsonRepair _repair = new();
    private readonly StringBuilder _repaired = new();
    private ReadOnlyMemory<byte> _ready;
    private bool _isOver;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_ready.IsEmpty && !_isOver && !buffer.IsEmpty)
        {
            Repair(await inner.ReadAsync(_bytes, cancellationToken));
        }

        return Dequeue(buffer.Span);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(Span<byte> buffer)
    {
        while (_ready.IsEmpty && !_isOver && !buffer.IsEmpty)
        {
            Repair(inner.Read(_bytes));
        }

        return Dequeue(buffer);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Repair(int count)
    {
        _isOver = count == 0;
        var characters = _decoder.GetChars(_bytes.AsSpan(0, count), _characters, flush: _isOver);
        _repair.Append(_characters.AsSpan(0, characters), _repaired);
        if (_isOver)
        {
            _repair.End(_repaired);
        }

        // The decoder gives whole characters only.
        _ready = Encoding.UTF8.GetBytes(_repaired.ToString());
        _repaired.Clear();
    }

    private int Dequeue(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _ready.Length);
        _ready.Span[..count].CopyTo(buffer);
        _ready = _ready[count..];
        return count;
    }
}
