using System.Net;
using System.Net.Http.Headers;

namespace LlmAspire.Api.Llm;

/// <summary>The answer to a call, read by way of the ledger. Its stream is an <see cref="AccountedStream"/>.</summary>
internal sealed class AccountedContent : HttpContent
{
    private static readonly MediaTypeHeaderValue Events = new("text/event-stream");
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly AccountedStream _stream;

    /// <param name="isStreamed">The form that was asked for, in which the stream gives the answer whatever form it came in.</param>
    public AccountedContent(AccountedStream stream, bool isStreamed)
    {
        _stream = stream;
        Headers.ContentType = isStreamed ? Events : Json;
    }

    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(_stream);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => _stream.CopyToAsync(stream);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        _stream.CopyToAsync(stream, cancellationToken);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stream.Dispose();
        }

        base.Dispose(disposing);
    }
}
