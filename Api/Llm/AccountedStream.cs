using LlmAspire.Api.Llm.Wire;

namespace LlmAspire.Api.Llm;

/// <summary>
/// The body of an answer on its way to its reader, in the form that was asked for. It settles the call when the answer ends, breaks or is left, and gives
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
    private bool _hasEnded;
    private bool _endIsGiven;
    private bool _isShaped;
    private bool _left;

    private static ReadOnlyMemory<byte> Done { get; } = "data: [DONE]\n\n"u8.ToArray();

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

    /// <summary>Says how the events of a streamed answer are to be, before they are read. Then they end without <c>[DONE]</c>, once the usage is durable.</summary>
    /// <inheritdoc cref="EventOutput.Shape"/>
    public void Shape(string alias, bool tellsUsage)
    {
        _isShaped = true;
        answer.Shape(alias, tellsUsage);
    }

    /// <summary>Reads a streamed answer without copying it.</summary>
    /// <returns>Whole events, until the next read; none at the end.</returns>
    public async ValueTask<ReadOnlyMemory<byte>> ReadEventsAsync(CancellationToken cancellationToken)
    {
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
            if (!_left)
            {
                call.MarkAbandoned();
            }

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
            if (_hasEnded && !_endIsGiven)
            {
                await call.CompleteAsync(answer.Facts);
                _endIsGiven = true;
                _ready = answer.IsStreamed && !_isShaped && answer.Facts.Failure is null ? Done : default;
                return !_ready.IsEmpty;
            }

            // After the end the connection is read to its own end, so that it can be used again.
            if (await ReadMoreAsync(cancellationToken) == 0)
            {
                if (_endIsGiven)
                {
                    return false;
                }

                await EndAnswerAsync();
            }
        }

        return true;
    }

    /// <summary>Takes in that the bytes ended.</summary>
    private async Task EndAnswerAsync()
    {
        try
        {
            answer.End();
        }
        catch (Exception exception)
        {
            await call.BreakAsync(answer.Facts, exception);
            throw;
        }

        (_ready, _hasEnded) = (answer.Output, true);
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
            await call.BreakAsync(answer.Facts, exception);
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

        var facts = answer.Facts;
        var (begun, said) = (facts.HasContent, facts.Said);
        var isDone = answer.Append(_buffer.AsSpan(0, read));
        if (facts.Said > said || facts.HasContent != begun)
        {
            call.MarkContent();
        }

        // What came before the end goes out at once; the end waits until the usage is durable.
        (_ready, _hasEnded) = (answer.Output, _hasEnded || isDone);
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
        if (!call.IsSettling && active.TryBeginDrain(answer.IsStreamed))
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

        call.Leave(answer.Facts);
        await inner.DisposeAsync();
    }

    private async Task DrainAsync(Task<int>? reading)
    {
        try
        {
            await ReadToEndAsync(reading);
        }
        finally
        {
            active.EndDrain();
        }
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
            call.CompleteDrained(answer.Facts);
        }
        catch (Exception)
        {
            // Cut, broken, or too long: what came has to do.
            call.Leave(answer.Facts);
        }

        await inner.DisposeAsync();
    }
}
