using System.Buffers;
using System.IO.Pipelines;

namespace LlmAspire.Api.Llm.Forwarding;

/// <summary>A streamed answer on its way out: begun when there is something to say, and kept alive with comments while the model says nothing. For one writer.</summary>
internal sealed class ForwardedStream(ICompletionSink sink, PeriodicTimer beats)
{
    private Task<bool> _beat = beats.WaitForNextTickAsync().AsTask();
    private PipeWriter? _output;
    private bool _isQuiet = true;

    public bool HasBegun => _output is not null;

    public PipeWriter Output => _output ??= sink.Begin();

    /// <summary>Waits for what comes, and says so to the client after one to two beats without a word.</summary>
    public async ValueTask<T> WaitAsync<T>(Task<T> coming)
    {
        while (!coming.IsCompleted && await Task.WhenAny(coming, _beat) == _beat && !coming.IsCompleted)
        {
            _beat = beats.WaitForNextTickAsync().AsTask();
            if (_isQuiet)
            {
                // Not with the client's token: who leaves is noticed by what comes.
                Output.Write(": the model is working\n\n"u8);
                await Output.FlushAsync(CancellationToken.None);
            }

            _isQuiet = true;
        }

        return await coming;
    }

    public async ValueTask FlushAsync(CancellationToken gone)
    {
        _isQuiet = false;
        await Output.FlushAsync(gone);
    }

    /// <summary>Writes the last event.</summary>
    /// <param name="failure">Null when the answer is complete, and durable.</param>
    public ValueTask EndAsync(GatewayFailure? failure, CancellationToken gone)
    {
        Output.Write("data: "u8);
        if (failure is null)
        {
            Output.Write("[DONE]"u8);
        }
        else
        {
            sink.WriteFailure(failure, Output);
        }

        Output.Write("\n\n"u8);
        return FlushAsync(gone);
    }
}
