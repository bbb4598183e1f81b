using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace LlmAspire.Api.Tools.Mcp;

/// <summary>
/// One MCP server: connected to when it is first needed, and again when the connection is gone. Safe to use from several threads.
/// </summary>
internal sealed partial class McpServer(string name, McpServerOptions options, TimeSpan usualTimeout, TimeProvider time, ILogger<McpServer> logger) : IAsyncDisposable
{
    private readonly SemaphoreSlim _connecting = new(1);
    private McpClient? _client;
    private IReadOnlyList<ChatTool> _tools = [];
    private long? _failedAt;

    private string Prefix => options.Prefix ?? NotOfNames().Replace(name, "_") + "_";

    /// <summary>What it last told, when it cannot be asked. Never fails.</summary>
    public async Task<IReadOnlyList<ChatTool>> ListToolsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ConnectAsync(cancellationToken);
        }
        catch (ToolFailedException)
        {
            // It was logged.
        }

        return _tools;
    }

    public async Task<string> CallAsync(string tool, AIFunctionArguments arguments, CancellationToken cancellationToken)
    {
        var client = await ConnectAsync(cancellationToken);
        CallToolResult result;
        try
        {
            result = await client.CallToolAsync(tool, new Dictionary<string, object?>(arguments), cancellationToken: cancellationToken);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or ModelContextProtocol.McpProtocolException) || client.Completion.IsCompleted)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await ForgetAsync(client, exception);
            throw new ToolFailedException("The server of this tool does not answer. Go on without it.", exception);
        }

        // What a server says of its failure is meant for the model.
        return result.IsError == true ? throw new ToolFailedException($"The tool failed: {TextOf(result)}") : TextOf(result);
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is { } client)
        {
            await CloseAsync(client);
        }

        _connecting.Dispose();
    }

    /// <exception cref="ToolFailedException">It is away.</exception>
    private async Task<McpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_client is { Completion.IsCompleted: false } connected)
        {
            return connected;
        }

        await _connecting.WaitAsync(cancellationToken);
        try
        {
            if (_client is { Completion.IsCompleted: false } meanwhile)
            {
                return meanwhile;
            }

            if (_client is { } lost)
            {
                _client = null;
                await CloseAsync(lost);
            }

            if (_failedAt is { } failed && time.GetElapsedTime(failed) < options.RetryAfter)
            {
                throw new ToolFailedException("The server of this tool is away. Go on without it.");
            }

            return await ConnectOnceAsync(cancellationToken);
        }
        finally
        {
            _connecting.Release();
        }
    }

    private async Task<McpClient> ConnectOnceAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(options.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        McpClient? client = null;
        try
        {
            client = await McpClient.CreateAsync(
                CreateTransport(), new McpClientOptions { ClientInfo = new Implementation { Name = "LlmAspire", Version = "1.0" } }, cancellationToken: either.Token);
            var listed = await client.ListToolsAsync(cancellationToken: either.Token);
            (_client, _failedAt) = (client, null);
            _tools = [.. listed.Where(tool => options.Tools is [] || options.Tools.Contains(tool.Name)).Select(ToTool)];
            LogConnected(logger, name, _tools.Count);
            return client;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            _failedAt = time.GetTimestamp();
            LogAway(logger, name, exception.GetType().Name, options.RetryAfter);
            if (client is not null)
            {
                await CloseAsync(client);
            }

            throw new ToolFailedException("The server of this tool is away. Go on without it.", exception);
        }
    }

    private IClientTransport CreateTransport() => options.Url is { } url
        ? new HttpClientTransport(new HttpClientTransportOptions { Name = name, Endpoint = url, AdditionalHeaders = options.Headers })
        : new StdioClientTransport(new StdioClientTransportOptions
        {
            Name = name,
            Command = options.Command!,
            Arguments = options.Arguments,
            WorkingDirectory = options.WorkingDirectory,
            EnvironmentVariables = options.Environment,
        });

    private ChatTool ToTool(McpClientTool tool) => new(
        new McpTool(this, Prefix + tool.Name, tool), string.IsNullOrWhiteSpace(tool.Title) ? tool.Name : tool.Title, name, options.RequiredPlan,
        options.Timeout ?? usualTimeout);

    private async Task ForgetAsync(McpClient client, Exception exception)
    {
        if (Interlocked.CompareExchange(ref _client, null, client) == client)
        {
            LogLost(logger, name, exception.GetType().Name);
            await CloseAsync(client);
        }
    }

    private static async Task CloseAsync(McpClient client)
    {
        try
        {
            await client.DisposeAsync();
        }
        catch (Exception)
        {
            // It is gone, whatever it says to that.
        }
    }

    private static string TextOf(CallToolResult result) => result.StructuredContent is { } structured
        ? structured.ToString()
        : string.Join('\n', result.Content.Select(content => content is TextContentBlock text ? text.Text : $"({content.Type}: not shown)"));

    [GeneratedRegex("[^A-Za-z0-9_-]")]
    private static partial Regex NotOfNames();

    [LoggerMessage(LogLevel.Information, "The MCP server {Server} is connected: {Count} tools")]
    private static partial void LogConnected(ILogger logger, string server, int count);

    [LoggerMessage(LogLevel.Warning, "The MCP server {Server} is away ({Reason}): its tools fail; it is tried again after {RetryAfter}, when it is needed")]
    private static partial void LogAway(ILogger logger, string server, string reason, TimeSpan retryAfter);

    [LoggerMessage(LogLevel.Warning, "The MCP server {Server} was lost ({Reason}); it is connected to again when it is needed")]
    private static partial void LogLost(ILogger logger, string server, string reason);

    /// <summary>A tool by its server: it outlasts the connection over which it was listed.</summary>
    private sealed class McpTool(McpServer server, string name, McpClientTool listed) : AIFunction
    {
        private readonly string _name = listed.ProtocolTool.Name;

        public override string Name => name;

        public override string Description { get; } = listed.Description;

        public override JsonElement JsonSchema { get; } = listed.JsonSchema;

        protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) =>
            await server.CallAsync(_name, arguments, cancellationToken);
    }
}
