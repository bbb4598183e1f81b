using LlmAspire.Api.Identity;
using LlmAspire.Api.Unicode;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Tools;

/// <summary>A tool that a model can call.</summary>
/// <remarks>Its name may be any, see <see cref="ToolNames"/>.</remarks>
/// <param name="Function">Its name, description, schema and code.</param>
/// <param name="Label">What people call it.</param>
/// <param name="Server">The MCP server that has it; null for the installation's own.</param>
/// <param name="RequiredPlan">The lowest plan that has it.</param>
/// <param name="Timeout">Of one call.</param>
internal sealed record ChatTool(AIFunction Function, string Label, string? Server, Plan RequiredPlan, TimeSpan Timeout)
{
    /// <summary>What users and the configuration call it.</summary>
    public string Name { get; } = OddText.Replace(Function.Name);

    public string Label { get; } = OddText.Replace(Label);
}
