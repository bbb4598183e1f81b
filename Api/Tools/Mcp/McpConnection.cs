using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace LlmAspire.Api.Tools.Mcp;

/// <summary>A client and what carries its messages, which live and end together.</summary>
internal sealed class McpConnection(McpClient client, IClientTransport transport) : IAsyncDisposable
{
    public McpClient Client => client;

    public bool IsLost => client.Completion.IsCompleted;

    public static async Task<McpConnection> OpenAsync(string name, McpServerOptions options, CancellationToken cancellationToken)
    {
        IClientTransport transport = options.Url is { } url ? McpHttp.CreateTransport(name, url, options.Headers) : new McpProcess(name, options);
        try
        {
            var client = await McpClient.CreateAsync(
                transport, new McpClientOptions { ClientInfo = new Implementation { Name = "LlmAspire", Version = "1.0" } }, cancellationToken: cancellationToken);
            return new McpConnection(client, transport);
        }
        catch (Exception)
        {
            await CloseAsync(transport);
            throw;
        }
    }

    /// <summary>Never fails.</summary>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync(client);
        await CloseAsync(transport);
    }

    private static async Task CloseAsync(object one)
    {
        try
        {
            await (one is IAsyncDisposable disposable ? disposable.DisposeAsync() : default);
        }
        catch (Exception)
        {
            // It is gone, whatever it says to that.
        }
    }
}
