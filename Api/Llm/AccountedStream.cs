namespace LlmAspire.Api.Llm;

/// <summary>
/// The body of an answer on its way to its reader. It settles the call when the answer ends, breaks or is left, and gives
/// its end (the end of the bytes, or the <c>[DONE]</c> after which nobody reads on) only when the usage is durable.
/// </summary>
/// <remarks>
/// It reads into a buffer of its own and never with the caller's token: a read that its caller gives up goes on, so that the answer can be read
/// to its end by somebody else. For one reader.
/// </remarks>
internal sealed class AccountedStream(Stream inner, ProviderCall call, AnswerReader answer, ActiveCalls active) : Stream
{
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(16 * 1024);
    private Task<int>? _reading;
    private ReadOnlyMemory<byte> _ready;
    private ReadOnlyMemory<byte> _held;
    private bool _isDone;
    private bool _left;

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
        if (buffer.IsEmpty || !await MakeReadyAsync(cancellationToken))
        {
            return 0;
        }

        var count = Math.Min(_ready.Length, buffer.Length);
        _ready[..count].CopyTo(buffer);
        _ready = _ready[count..];
        return count;
    }

    /// <summary>
    /// Reads a streamed answer as <paramref name="rewriter"/> makes it, from its beginning on. Without <c>[DONE]</c>: where it was, the events end, once the usage is durable.
    /// </summary>
    /// <returns>Whole events, until the next read; none at the end.</returns>
    public async ValueTask<ReadOnlyMemory<byte>> ReadEventsAsync(IChunkRewriter rewriter, CancellationToken cancellationToken)
    {
        answer.Rewriter = rewriter;
        if (!await MakeReadyAsync(cancellationToken))
        {
            return default;
        }

        var events = _ready;
        _ready = default;
        return events;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <exception cref="NotSupportedException">Always: the end of the answer waits for the ledger, and must not block a thread.</exception>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read the answer asynchronously.");

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>Reads an answer that nobody wants to its end, for its usage, and settles the call. Never fails.</summary>
    public Task DrainAsync() => ReadToEndAsync(null);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // Nothing can be awaited here; whoever made the call waits for CallContext.WhenSettledAsync.
            Leave();
        }

        base.Dispose(disposing);
    }

    /// <returns>False at the end.</returns>
    private async ValueTask<bool> MakeReadyAsync(CancellationToken cancellationToken)
    {
        while (_ready.IsEmpty)
        {
            if (_isDone)
            {
                await call.CompleteAsync(answer);
                (_isDone, _ready, _held) = (false, _held, default);
                return !_ready.IsEmpty;
            }

            if (await ReadMoreAsync(cancellationToken) == 0)
            {
                answer.End();
                await call.CompleteAsync(answer);
                return false;
            }
        }

        return true;
    }

    private async Task<int> ReadMoreAsync(CancellationToken cancellationToken)
    {
        _reading ??= FetchAsync();
        int read;
        try
        {
            read = await _reading.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Leave();
            throw;
        }
        catch (Exception exception)
        {
            await call.BreakAsync(answer, exception);
            throw;
        }

        _reading = null;
        return read;
    }

    /// <summary>Reads once, and takes in what came.</summary>
    private async Task<int> FetchAsync()
    {
        call.AwaitBytes();
        var read = await inner.ReadAsync(_buffer, call.Life);
        call.TakeBytes();
        if (read == 0)
        {
            return 0;
        }

        var (begun, said) = (answer.HasContent, answer.Text.Length);
        var doneAt = answer.Append(_buffer.AsSpan(0, read));
        if (answer.Text.Length > said || answer.HasContent != begun)
        {
            call.MarkContent();
        }

        _isDone = doneAt is not null;
        if (answer.Rewriter is not null)
        {
            _ready = answer.Rewritten;
            return read;
        }

        // What came before the end goes out at once; the end waits until the usage is durable.
        var end = doneAt ?? read;
        (_ready, _held) = (_buffer.AsMemory(0, end), _buffer.AsMemory(end, read - end));
        return read;
    }

    private void Leave()
    {
        if (_left)
        {
            return;
        }

        _left = true;
        // Either settles the call, which the context and the end of the process wait for.
        if (!call.IsSettling && active.TryBeginDrain())
        {
            call.LimitDrain();
            _ = DrainAsync(_reading);
        }
        else
        {
            call.End();
            _ = CloseAsync(_reading);
        }
    }

    /// <summary>Takes in what is on its way, and no more. Never fails.</summary>
    private async Task CloseAsync(Task<int>? reading)
    {
        if (reading is not null)
        {
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        call.Leave(answer);
        await inner.DisposeAsync();
    }

    private async Task DrainAsync(Task<int>? reading)
    {
        await ReadToEndAsync(reading);
        active.EndDrain();
    }

    private async Task ReadToEndAsync(Task<int>? reading)
    {
        try
        {
            var read = await (reading ?? FetchAsync());
            while (read > 0)
            {
                read = await FetchAsync();
            }

            answer.End();
            call.CompleteDrained(answer);
        }
        catch (Exception)
        {
            // Cut, broken, or too long: what came has to do.
            call.Leave(answer);
        }

        await inner.DisposeAsync();
    }
}
