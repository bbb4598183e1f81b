using System.Net.Http.Headers;
using System.Text;
using LlmAspire.Api.Unicode;
using ModelContextProtocol.Client;

namespace LlmAspire.Api.Tools.Mcp;

/// <summary>A server over HTTP: repairs what it sends before the SDK reads it, which answers no message that has half a character.</summary>
internal sealed class McpHttp(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    public static HttpClientTransport CreateTransport(string name, Uri url, IDictionary<string, string> headers)
    {
        // The SDK writes the name of a tool into a header, whatever it is.
        var sockets = new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 };
        return new HttpClientTransport(
            new HttpClientTransportOptions { Name = name, Endpoint = url, AdditionalHeaders = headers }, new HttpClient(new McpHttp(sockets)), ownsHttpClient: true);
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (response.Content.Headers.ContentType is { MediaType: "application/json" or "text/event-stream" } type)
        {
            var content = new StreamContent(new RepairedJsonStream(await response.Content.ReadAsStreamAsync(cancellationToken)));
            // Both are UTF-8, whatever is said of them.
            content.Headers.ContentType = new MediaTypeHeaderValue(type.MediaType, "utf-8");
            response.Content = content;
        }

        return response;
    }
}
