using System.Text;
using LlmAspire.Api.Chat;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Tools;
using LlmAspire.TestMcpServer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Api.Tests.Tools;

/// <summary>What MCP servers answer, byte for byte, over each transport: what the model hears of it, and that the server is not lost.</summary>
public sealed class McpAnswerTests : IAsyncDisposable
{
    private const string Stdio = "stdio";
    private const string Json = "application/json";
    private const string Events = "text/event-stream";

    private static readonly Caller Somebody = new(Guid.Empty, Guid.Empty, Plan.Pro, Plan.Pro, Role.Member, false);

    private static readonly string Good = Content("""{"type":"text","text":"good"}""");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mcp-");
    private WebApplication? _http;

    public static TheoryData<string> Transports => new(Stdio, Json, Events);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_http is not null)
        {
            await _http.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task each_form_of_content_reaches_the_model()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await StartAsync(gateway, Stdio, Script(
            ("resource", Content("""{"type":"text","text":"See:"},{"type":"resource","resource":{"uri":"file:///a.txt","mimeType":"text/plain","text":"The text of a."}}""")),
            ("blob", Content("""{"type":"resource","resource":{"uri":"file:///b.bin","mimeType":"application/octet-stream","blob":"AAECAw=="}}""")),
            ("link", Content("""{"type":"resource_link","uri":"file:///c.md","name":"c.md","description":"Notes","mimeType":"text/markdown"}""")),
            ("image", Content("""{"type":"image","data":"AAECAw==","mimeType":"image/png"}""")),
            ("structured", "\"result\":{\"content\":[],\"structuredContent\":{\"sum\":3}}"),
            ("both", "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"The sum is 3.\"}],\"structuredContent\":{\"sum\":3}}"),
            ("pictured", "\"result\":{\"content\":[{\"type\":\"image\",\"data\":\"AAECAw==\",\"mimeType\":\"image/png\"}],\"structuredContent\":{\"sum\":3}}"),
            ("nothing", "\"result\":{\"content\":[]}"),
            ("failing", "\"result\":{\"isError\":true,\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"file:///log\",\"text\":\"No paper.\"}}]}")));

        Assert.Equal((ToolCallState.Ok, "See:\nThe text of a."), await CallAsync(api, "resource"));
        Assert.Equal((ToolCallState.Ok, "(resource file:///b.bin, application/octet-stream, 4 bytes: not shown)"), await CallAsync(api, "blob"));
        Assert.Equal((ToolCallState.Ok, "(link to file:///c.md: c.md, Notes, text/markdown)"), await CallAsync(api, "link"));
        Assert.Equal((ToolCallState.Ok, "(image image/png, 4 bytes: not shown)"), await CallAsync(api, "image"));
        Assert.Equal((ToolCallState.Ok, """{"sum":3}"""), await CallAsync(api, "structured"));
        Assert.Equal((ToolCallState.Ok, "The sum is 3."), await CallAsync(api, "both"));
        Assert.Equal((ToolCallState.Ok, "(image image/png, 4 bytes: not shown)\n{\"sum\":3}"), await CallAsync(api, "pictured"));
        Assert.Equal((ToolCallState.Ok, "(the tool returned nothing)"), await CallAsync(api, "nothing"));
        Assert.Equal((ToolCallState.Failed, "The tool failed: No paper."), await CallAsync(api, "failing"));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task odd_unicode_in_a_result_is_replaced_and_the_server_stays(string transport)
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await StartAsync(gateway, transport, Script(
            ("half", Content("""{"type":"text","text":"a\ud83d"}""")),
            ("other_half", Content("""{"type":"text","text":"\ude00b \ud83d\ud83d\ude00 \\ud800"}""")),
            ("nul", Content("""{"type":"text","text":"a\u0000b\u0007c\td"}""")),
            ("bytes", Content("{\"type\":\"text\",\"text\":\"a\xFF" + "b\xC3\"}")),
            ("raw", Content("{\"type\":\"text\",\"text\":\"a\0b\x07" + "c\td\"}")),
            ("structured", "\"result\":{\"content\":[],\"structuredContent\":{\"a\\ud800\":\"b\\udc00\\u0000\"}}"),
            ("meta", "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"fine\",\"_meta\":{\"\\ud800\":1}}]}"),
            ("error", "\"error\":{\"code\":-32602,\"message\":\"No \\ud800 here\"}")));

        Assert.Equal((ToolCallState.Ok, "a\uFFFD"), await CallAsync(api, "half"));
        Assert.Equal((ToolCallState.Ok, "\uFFFDb \uFFFD😀 \\ud800"), await CallAsync(api, "other_half"));
        Assert.Equal((ToolCallState.Ok, "a\uFFFDb\uFFFDc\td"), await CallAsync(api, "nul"));
        Assert.Equal((ToolCallState.Ok, "a\uFFFDb\uFFFD"), await CallAsync(api, "bytes"));
        Assert.Equal((ToolCallState.Ok, "a\uFFFDb\uFFFDc\td"), await CallAsync(api, "raw"));
        Assert.Equal((ToolCallState.Ok, "{\"a\uFFFD\":\"b\uFFFD\uFFFD\"}"), await CallAsync(api, "structured"));
        Assert.Equal((ToolCallState.Ok, "fine"), await CallAsync(api, "meta"));
        var (state, told) = await CallAsync(api, "error");
        Assert.Equal(ToolCallState.Failed, state);
        Assert.Contains("No \uFFFD here", told, StringComparison.Ordinal);
        Assert.Equal((ToolCallState.Ok, "good"), await CallAsync(api, "good"));
        AssertNeverLost(api);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task odd_unicode_in_what_a_server_tells_of_a_tool_costs_neither_the_tool_nor_the_server(string transport)
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await StartAsync(gateway, transport, new()
        {
            ["tools/list"] = "\"result\":{\"tools\":[{\"name\":\"good\",\"title\":\"Good\\ud800\",\"description\":\"A\\u0000b\xFF\\udfff\",\"inputSchema\":"
                + "{\"type\":\"object\",\"properties\":{\"te\\ud83dxt\":{\"type\":\"string\",\"description\":\"\\ud83d\\u0007\"}}}},"
                + "{\"name\":\"\\ud800odd\",\"inputSchema\":{\"type\":\"object\"}}]}",
            ["good"] = Good,
            ["\uFFFDodd"] = Good,
        });

        var tools = await api.Services.GetRequiredService<ToolDirectory>().ListAsync(Token);
        var tool = tools.Single(one => one.Name == "s_good");

        Assert.Equal(("Good\uFFFD", "A\uFFFDb\uFFFD\uFFFD"), (tool.Label, ToolResponse.From(tool, Somebody).Description));
        Assert.Equal((ToolCallState.Ok, "good"), await CallAsync(api, "good"));
        Assert.Equal((ToolCallState.Ok, "good"), await CallAsync(api, "\uFFFDodd"));
        AssertNeverLost(api);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task an_answer_that_cannot_be_understood_fails_its_call_alone(string transport)
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await StartAsync(gateway, transport, Script(
            ("hologram", Content("""{"type":"hologram","text":"a"}""")), ("wrong", "\"result\":{\"content\":12}"), ("texts", "\"result\":\"text\"")));

        foreach (var name in (string[])["hologram", "wrong", "texts"])
        {
            Assert.Equal((ToolCallState.Failed, "The answer of the tool's server could not be read. Go on without it."), await CallAsync(api, name));
        }

        Assert.Equal((ToolCallState.Ok, "good"), await CallAsync(api, "good"));
        AssertNeverLost(api);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task a_tool_may_have_any_name(string transport)
    {
        await using var gateway = await TestGateway.StartAsync();
        string[] names = ["a.b/c d", "搜索", "a.b", "a/b", new('x', 100)];
        await using var api = await StartAsync(gateway, transport, Script([.. names.Select(name => (name, Content($$"""{"type":"text","text":"{{name}}"}""")))]));

        foreach (var name in names)
        {
            Assert.Equal((ToolCallState.Ok, name), await CallAsync(api, name));
        }
    }

    private static string Content(string blocks) => "\"result\":{\"content\":[" + Raw(blocks) + "]}";

    // What is no byte yet becomes its UTF-8 bytes; what is one already stays.
    private static string Raw(string text) => string.Concat(text.Select(one => one <= '\xFF' ? one.ToString() : ScriptedServer.Bytes(one.ToString())));

    private static Dictionary<string, string> Script(params (string Name, string Answer)[] tools)
    {
        var listed = tools.Select(tool => tool.Name).Append("good").Select(name => $"{{\"name\":\"{ScriptedServer.Bytes(name)}\",\"inputSchema\":{{\"type\":\"object\"}}}}");
        var script = tools.ToDictionary(tool => tool.Name, tool => tool.Answer);
        script["good"] = Good;
        script["tools/list"] = $"\"result\":{{\"tools\":[{string.Join(',', listed)}]}}";
        return script;
    }

    private static void AssertNeverLost(ApiFactory api)
    {
        Assert.Single(api.Logs.Entries, entry => entry.Text.Contains("The MCP server s is connected", StringComparison.Ordinal));
        Assert.DoesNotContain(api.Logs.Entries, entry => entry.Text.Contains("The MCP server s is away", StringComparison.Ordinal)
            || entry.Text.Contains("The MCP server s was lost", StringComparison.Ordinal));
    }

    private static async Task<(ToolCallState State, string Result)> CallAsync(ApiFactory api, string name)
    {
        var tool = (await api.Services.GetRequiredService<ToolDirectory>().ListAsync(Token)).Single(tool => tool.Name == $"s_{name}");
        var returned = await api.Services.GetRequiredService<ToolInvoker>().InvokeAsync(
            tool, new FunctionCallContent("1", tool.Name), new AIFunctionArguments(), new ToolCaller(Guid.NewGuid(), Guid.NewGuid()), Token);
        return (returned.State, returned.Result);
    }

    private async Task<ApiFactory> StartAsync(TestGateway gateway, string transport, Dictionary<string, string> script)
    {
        var api = new ApiFactory(gateway.BaseUrl);
        if (transport == Stdio)
        {
            var path = Path.Combine(_folder.FullName, "script");
            await File.WriteAllLinesAsync(path, script.Select(one => $"{ScriptedServer.Bytes(one.Key)}\t{one.Value}"), Encoding.Latin1, Token);
            api.Settings["Mcp:Servers:s:Command"] = "dotnet";
            api.Settings["Mcp:Servers:s:Arguments:0"] = typeof(ScriptedServer).Assembly.Location;
            api.Settings["Mcp:Servers:s:Arguments:1"] = "scripted";
            api.Settings["Mcp:Servers:s:Arguments:2"] = path;
        }
        else
        {
            api.Settings["Mcp:Servers:s:Url"] = await StartHttpAsync(new ScriptedServer(script), transport);
        }

        api.Settings["Mcp:Servers:s:ConnectTimeout"] = "00:01:00";
        api.Settings["Mcp:Servers:s:RetryAfter"] = "00:00:00";
        using var client = await api.CreateReadyClientAsync();
        return api;
    }

    private async Task<string> StartHttpAsync(ScriptedServer server, string contentType)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _http = builder.Build();
        _http.Run(async context =>
        {
            if (!HttpMethods.IsPost(context.Request.Method))
            {
                context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
                return;
            }

            using var body = new StreamReader(context.Request.Body);
            if (server.Answer(await body.ReadToEndAsync(Token)) is not { } answer)
            {
                context.Response.StatusCode = StatusCodes.Status202Accepted;
                return;
            }

            context.Response.ContentType = contentType;
            await context.Response.Body.WriteAsync(Encoding.Latin1.GetBytes(contentType == Events ? $"event: message\ndata: {answer}\n\n" : answer), Token);
        });
        await _http.StartAsync(Token);
        return $"{_http.Urls.First()}/mcp";
    }
}
