using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Chat;
using LlmAspire.Api.Tools;
using LlmAspire.Api.Tools.Mcp;
using LlmAspire.TestMcpServer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Api.Tests.Tools;

/// <summary>Real MCP servers: one that is a process, over stdin and stdout, and one over HTTP.</summary>
public class McpTests
{
    private const string Key = "Bearer mcp-secret";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_servers_tools_are_listed_and_called_beside_a_server_that_is_away()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = Api(gateway, ("Files", Stdio()), ("Nowhere", new() { ["Url"] = $"http://127.0.0.1:{TestGateway.FreePort()}/mcp" }));
        var client = await api.CreateSignedInClientAsync("pro");

        var listed = (await client.GetFromJsonAsync<JsonElement>("/chat/tools", Token)).EnumerateArray()
            .Where(tool => tool.GetProperty("server").ValueKind != JsonValueKind.Null).ToList();

        Assert.Equal(["Files_broken", "Files_process", "Files_reverse"], listed.Select(tool => tool.GetProperty("name").GetString()).Order(StringComparer.Ordinal));
        Assert.All(listed, tool => Assert.Equal("Files", tool.GetProperty("server").GetString()));
        Assert.Contains("Reverse a text", listed.Select(tool => tool.GetProperty("label").GetString()));
        Assert.Equal((ToolCallState.Ok, "olleH"), await CallAsync(api, "Files_reverse", new() { ["text"] = "Hello" }));
        var (state, told) = await CallAsync(api, "Files_broken", []);
        Assert.Equal(ToolCallState.Failed, state);
        Assert.StartsWith("The tool failed: An error occurred", told, StringComparison.Ordinal);
        Assert.Single(api.Logs.Entries, entry => entry.Text.Contains("The MCP server Nowhere is away", StringComparison.Ordinal));
    }

    [Fact]
    public async Task a_process_that_dies_is_started_again_when_it_is_needed()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = Api(gateway, ("files", Stdio()));
        using var client = await api.CreateReadyClientAsync();

        var (_, first) = await CallAsync(api, "files_process", []);
        using (var process = Process.GetProcessById(int.Parse(first, CultureInfo.InvariantCulture)))
        {
            process.Kill();
            await process.WaitForExitAsync(Token);
        }

        // The connection may or may not have noticed: either way the one after is on a new process.
        var (state, second) = await CallAsync(api, "files_process", []);
        if (state != ToolCallState.Ok)
        {
            Assert.StartsWith("The server of this tool", second, StringComparison.Ordinal);
            (state, second) = await CallAsync(api, "files_process", []);
        }

        Assert.Equal(ToolCallState.Ok, state);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task a_server_over_http_gets_its_headers_may_go_away_and_come_back()
    {
        var port = TestGateway.FreePort();
        var server = await StartHttpAsync(port);
        await using var gateway = await TestGateway.StartAsync();
        await using var api = Api(gateway, ("web", new()
        {
            ["Url"] = $"http://127.0.0.1:{port}/mcp",
            ["Headers:Authorization"] = Key,
            ["Prefix"] = "",
            ["RequiredPlan"] = "enterprise",
            ["Tools:0"] = "reverse",
            ["RetryAfter"] = "00:00:00",
        }));
        var client = await api.CreateSignedInClientAsync("pro");

        var locked = Assert.Single((await client.GetFromJsonAsync<JsonElement>("/chat/tools?include=locked", Token)).EnumerateArray(), tool => tool.GetProperty("server").ValueKind != JsonValueKind.Null);
        Assert.Equal(("reverse", "enterprise", false), (
            locked.GetProperty("name").GetString(), locked.GetProperty("requiredPlan").GetString(), locked.GetProperty("available").GetBoolean()));
        Assert.Equal((ToolCallState.Ok, "cba"), await CallAsync(api, "reverse", new() { ["text"] = "abc" }));

        await server.DisposeAsync();
        var (state, told) = await CallAsync(api, "reverse", new() { ["text"] = "abc" });
        Assert.Equal(ToolCallState.Failed, state);
        Assert.StartsWith("The server of this tool", told, StringComparison.Ordinal);
        // Nobody else is hurt, and what it had is still known.
        Assert.Contains("reverse", (await client.GetFromJsonAsync<JsonElement>("/chat/tools?include=locked", Token)).EnumerateArray().Select(tool => tool.GetProperty("name").GetString()));

        server = await StartHttpAsync(port);
        Assert.Equal((ToolCallState.Ok, "cba"), await CallAsync(api, "reverse", new() { ["text"] = "abc" }));
        await server.DisposeAsync();
        Assert.DoesNotContain(api.Logs.Entries, entry => entry.Text.Contains("mcp-secret", StringComparison.Ordinal));
    }

    [Fact]
    public void a_server_without_command_and_url_is_refused_at_the_start()
    {
        var options = new McpOptions { Servers = { ["x"] = new McpServerOptions(), ["y"] = new McpServerOptions { Command = "a", Url = new Uri("http://b") } } };

        Assert.Equal(2, options.Validate(new System.ComponentModel.DataAnnotations.ValidationContext(options)).Count());
    }

    private static Dictionary<string, string> Stdio() => new()
    {
        ["Command"] = "dotnet",
        ["Arguments:0"] = typeof(SampleTools).Assembly.Location,
        ["ConnectTimeout"] = "00:01:00",
        ["RetryAfter"] = "00:00:00",
    };

    private static ApiFactory Api(TestGateway gateway, params (string Name, Dictionary<string, string> Settings)[] servers)
    {
        var api = new ApiFactory(gateway.BaseUrl);
        foreach (var (name, settings) in servers)
        {
            foreach (var (key, value) in settings)
            {
                api.Settings[$"Mcp:Servers:{name}:{key}"] = value;
            }
        }

        return api;
    }

    private static async Task<(ToolCallState State, string Result)> CallAsync(ApiFactory api, string name, Dictionary<string, object?> arguments)
    {
        var tool = (await api.Services.GetRequiredService<ToolDirectory>().ListAsync(Token)).Single(tool => tool.Name == name);
        var returned = await api.Services.GetRequiredService<ToolInvoker>().InvokeAsync(
            tool, new FunctionCallContent("1", name, arguments), new AIFunctionArguments(arguments), new ToolCaller(Guid.NewGuid(), Guid.NewGuid()), Token);
        return (returned.State, returned.Result);
    }

    private static async Task<WebApplication> StartHttpAsync(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Services.AddMcpServer().WithHttpTransport().WithTools([typeof(SampleTools)]);
        var app = builder.Build();
        app.Use((context, next) =>
        {
            if (context.Request.Headers.Authorization == Key)
            {
                return next(context);
            }

            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        });
        app.MapMcp("/mcp");
        await app.StartAsync(Token);
        return app;
    }
}
