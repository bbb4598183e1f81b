using System.Buffers;
using System.IO.Pipelines;

namespace LlmAspire.Api.Llm.Forwarding;

/// <summary>
/// A streamed answer on its way out: begun when there is something to say, and kept alive with comments while the model says nothing. One writer; the comments take turns with it.
/// </summary>
internal sealed class ForwardedStream : IAsyncDisposable
{
    private readonly ICompletionSink _sink;
    private readonly PeriodicTimer _beats;
    private readonly Task _beating;
    private readonly SemaphoreSlim _turn = new(1);
    private PipeWriter? _output;
    private bool _isQuiet = true;

    /// <param name="beat">The client hears something after one to two of them.</param>
    public ForwardedStream(ICompletionSink sink, TimeSpan beat, TimeProvider time)
    {
        (_sink, _beats) = (sink, new PeriodicTimer(beat, time));
        _beating = BeatAsync();
    }

    private PipeWriter Output => _output ??= _sink.Begin();

    /// <summary>Sends whole events.</summary>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> events, CancellationToken gone)
    {
        await _turn.WaitAsync(gone);
        try
        {
            _isQuiet = false;
            await Output.WriteAsync(events, gone);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Sends the last event; but of a failure before anything was sent the status can still tell.</summary>
    /// <param name="failure">Null when the answer is complete, and durable.</param>
    /// <returns>The failure that was not sent.</returns>
    public async ValueTask<GatewayFailure?> EndAsync(GatewayFailure? failure, CancellationToken gone)
    {
        await StopBeatsAsync();
        if (_output is null && failure is not null)
        {
            return failure;
        }

        Output.Write("data: "u8);
        if (failure is null)
        {
            Output.Write("[DONE]"u8);
        }
        else
        {
            _sink.WriteFailure(failure, Output);
        }

        Output.Write("\n\n"u8);
        await Output.FlushAsync(gone);
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopBeatsAsync();
        _turn.Dispose();
    }

    private async Task BeatAsync()
    {
        while (await _beats.WaitForNextTickAsync())
        {
            await _turn.WaitAsync();
            try
            {
                if (_isQuiet)
                {
                    // Not with the client's token: who leaves is noticed by what comes.
                    Output.Write(": the model is working\n\n"u8);
                    await Output.FlushAsync(CancellationToken.None);
                }

                _isQuiet = true;
            }
            finally
            {
                _turn.Release();
            }
        }
    }

    private Task StopBeatsAsync()
    {
        _beats.Dispose();
        return _beating;
    }
}
