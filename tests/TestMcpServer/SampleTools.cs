using System.ComponentModel;
using ModelContextProtocol;
using ModelContextProtocol.Server;

namespace LlmAspire.TestMcpServer;

/// <summary>What the tests' MCP server can do.</summary>
[McpServerToolType]
public static class SampleTools
{
    [McpServerTool(Name = "reverse", Title = "Reverse a text"), Description("Reverses a text.")]
    public static string Reverse([Description("The text.")] string text) => new([.. text.Reverse()]);

    [McpServerTool(Name = "process"), Description("Tells the id of the server's process.")]
    public static int Process() => Environment.ProcessId;

    [McpServerTool(Name = "broken"), Description("Fails.")]
    public static string Fail() => throw new McpException("There is no paper.");
}
