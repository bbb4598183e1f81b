using System.Buffers;
using System.IO.Pipelines;

namespace LlmAspire.Api.Llm.Forwarding;

/// <summary>Where a streamed answer goes.</summary>
internal interface ICompletionSink
{
    /// <summary>Decides for an answer: the status is 200, and from now on a failure is an event. Called once.</summary>
    PipeWriter Begin();

    /// <summary>Writes the data of the event that tells of a failure, in one line.</summary>
    void WriteFailure(GatewayFailure failure, IBufferWriter<byte> output);
}
