using System.Net;

namespace LlmAspire.Api.Llm;

/// <summary>The answer to a call, read by way of the ledger. Its stream is an <see cref="AccountedStream"/>.</summary>
internal sealed class AccountedContent : HttpContent
{
    private readonly AccountedStream _stream;

    public AccountedContent(AccountedStream stream, HttpContent inner)
    {
        _stream = stream;
        foreach (var (name, values) in inner.Headers)
        {
            Headers.TryAddWithoutValidation(name, values);
        }
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
