using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Tools.Mcp;

/// <summary>The MCP servers of the configuration. One that is away takes nothing from the others. Safe to use from several threads.</summary>
internal sealed class McpServers(
    IOptions<McpOptions> options, IOptions<ToolOptions> tools, TimeProvider time, ILogger<McpServer> logger) : IAsyncDisposable
{
    private readonly List<McpServer> _servers = [.. options.Value.Servers.Where(server => server.Value.Enabled).OrderBy(server => server.Key, StringComparer.Ordinal)
        .Select(server => new McpServer(server.Key, server.Value, tools.Value.Timeout, time, logger))];

    public async Task<IReadOnlyList<ChatTool>> ListToolsAsync(CancellationToken cancellationToken) =>
        [.. (await Task.WhenAll(_servers.Select(server => server.ListToolsAsync(cancellationToken)))).SelectMany(list => list)];

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }
}
