using LlmAspire.Api.Identity;
using LlmAspire.Api.Unicode;

namespace LlmAspire.Api.Tools;

/// <param name="Name">What <c>tools</c> of a chat takes.</param>
/// <param name="Label">What people call it.</param>
/// <param name="Server">The MCP server that has it; null for the installation's own.</param>
/// <param name="Available">Whether the caller's plan has it.</param>
/// <param name="RequiredPlan">The lowest plan that has it.</param>
public sealed record ToolResponse(string Name, string Label, string Description, string? Server, bool Available, Plan RequiredPlan)
{
    internal static ToolResponse From(ChatTool tool, Caller caller) => new(
        tool.Name, tool.Label, OddText.Replace(tool.Function.Description), tool.Server, tool.RequiredPlan <= caller.Plan, tool.RequiredPlan);
}
