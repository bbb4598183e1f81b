namespace LlmAspire.Web.Tools;

/// <summary>A tool that chats may use.</summary>
/// <param name="Name">What the Api takes.</param>
/// <param name="Server">The MCP server that has it; null for the installation's own.</param>
/// <param name="Available">Whether the user's plan has it.</param>
/// <param name="RequiredPlan">The least plan that has it.</param>
public sealed record ToolInfo(string Name, string Label, string Description, string? Server, bool Available, string? RequiredPlan);
