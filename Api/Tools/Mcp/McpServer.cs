using System.Text.Json;
using Microsoft.Extensions.AI;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace LlmAspire.Api.Tools.Mcp;

/// <summary>
/// One MCP server: connected to when it is first needed, and again when the connection is gone. Safe to use from several threads.
/// </summary>
internal sealed partial class McpServer(string name, McpServerOptions options, TimeSpan usualTimeout, TimeProvider time, ILogger<McpServer> logger) : IAsyncDisposable
{
    private readonly SemaphoreSlim _connecting = new(1);
    private McpConnection? _connection;
    private IReadOnlyList<ChatTool> _tools = [];
    private long? _failedAt;

    private string Prefix => options.Prefix ?? $"{name}_";

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
        var connection = await ConnectAsync(cancellationToken);
        CallToolResult result;
        try
        {
            result = await connection.Client.CallToolAsync(tool, new Dictionary<string, object?>(arguments), cancellationToken: cancellationToken);
        }
        catch (McpProtocolException exception) when (!connection.IsLost)
        {
            // As a failure in a result: its words are meant for who called.
            throw new ToolFailedException($"The tool failed: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is JsonException or McpException && !connection.IsLost && !cancellationToken.IsCancellationRequested)
        {
            // It answered, and will answer the next call.
            LogUnreadable(logger, name, exception.GetType().Name);
            throw new ToolFailedException("The answer of the tool's server could not be read. Go on without it.", exception);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || connection.IsLost)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await ForgetAsync(connection, exception);
            throw new ToolFailedException("The server of this tool does not answer. Go on without it.", exception);
        }

        // What a server says of its failure is meant for the model.
        var text = McpContent.TextOf(result);
        return result.IsError == true ? throw new ToolFailedException($"The tool failed: {text}") : text;
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is { } connection)
        {
            await connection.DisposeAsync();
        }

        _connecting.Dispose();
    }

    /// <exception cref="ToolFailedException">It is away.</exception>
    private async Task<McpConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_connection is { IsLost: false } connected)
        {
            return connected;
        }

        await _connecting.WaitAsync(cancellationToken);
        try
        {
            if (_connection is { IsLost: false } meanwhile)
            {
                return meanwhile;
            }

            if (_connection is { } lost)
            {
                _connection = null;
                await lost.DisposeAsync();
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

    private async Task<McpConnection> ConnectOnceAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(options.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        McpConnection? connection = null;
        try
        {
            connection = await McpConnection.OpenAsync(name, options, either.Token);
            var listed = await connection.Client.ListToolsAsync(cancellationToken: either.Token);
            (_connection, _failedAt) = (connection, null);
            _tools = [.. listed.Where(tool => options.Tools is [] || options.Tools.Contains(tool.Name)).Select(ToTool)];
            LogConnected(logger, name, _tools.Count);
            return connection;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            _failedAt = time.GetTimestamp();
            LogAway(logger, name, exception.GetType().Name, options.RetryAfter);
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }

            throw new ToolFailedException("The server of this tool is away. Go on without it.", exception);
        }
    }

    private ChatTool ToTool(McpClientTool tool) => new(
        new McpTool(this, Prefix + tool.Name, tool), string.IsNullOrWhiteSpace(tool.Title) ? tool.Name : tool.Title, name, options.RequiredPlan,
        options.Timeout ?? usualTimeout);

    private async Task ForgetAsync(McpConnection connection, Exception exception)
    {
        if (Interlocked.CompareExchange(ref _connection, null, connection) == connection)
        {
            LogLost(logger, name, exception.GetType().Name);
            await connection.DisposeAsync();
        }
    }

    [LoggerMessage(LogLevel.Information, "The MCP server {Server} is connected: {Count} tools")]
    private static partial void LogConnected(ILogger logger, string server, int count);

    [LoggerMessage(LogLevel.Warning, "The MCP server {Server} is away ({Reason}): its tools fail; it is tried again after {RetryAfter}, when it is needed")]
    private static partial void LogAway(ILogger logger, string server, string reason, TimeSpan retryAfter);

    [LoggerMessage(LogLevel.Warning, "The MCP server {Server} was lost ({Reason}); it is connected to again when it is needed")]
    private static partial void LogLost(ILogger logger, string server, string reason);

    [LoggerMessage(LogLevel.Warning, "The MCP server {Server} gave an answer that cannot be read ({Reason}); the model was told")]
    private static partial void LogUnreadable(ILogger logger, string server, string reason);

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
