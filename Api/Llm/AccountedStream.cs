namespace LlmAspire.Api.Llm;

/// <summary>
/// The body of an answer on its way to its reader. It settles the call when the answer ends, breaks or is left, and gives
/// its end (the end of the bytes, or the <c>[DONE]</c> after which nobody reads on) only when the usage is durable.
/// </summary>
internal sealed class AccountedStream(Stream inner, ProviderCall call, AnswerReader answer) : Stream
{
    private ReadOnlyMemory<byte> _held;

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
        if (buffer.IsEmpty)
        {
            return 0;
        }

        if (!_held.IsEmpty)
        {
            await call.CompleteAsync(answer);
            var count = Math.Min(_held.Length, buffer.Length);
            _held[..count].CopyTo(buffer);
            _held = _held[count..];
            return count;
        }

        int read;
        try
        {
            read = await inner.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception exception)
        {
            await call.BreakAsync(answer, exception);
            throw;
        }

        if (read == 0)
        {
            answer.End();
            await call.CompleteAsync(answer);
            return 0;
        }

        var doneAt = answer.Append(buffer.Span[..read]);
        if (answer.HasContent)
        {
            call.MarkFirstContent();
        }

        switch (doneAt)
        {
            case null:
                return read;
            case 0:
                await call.CompleteAsync(answer);
                return read;
            default:
                // What came before the end goes out at once; the end waits for the next read.
                _held = buffer[doneAt.Value..read].ToArray();
                return doneAt.Value;
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <exception cref="NotSupportedException">Always: the end of the answer waits for the ledger, and must not block a thread.</exception>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read the answer asynchronously.");

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // Nothing can be awaited here; whoever made the call waits for CallContext.WhenSettledAsync.
            call.Leave(answer);
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
