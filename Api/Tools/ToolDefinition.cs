using LlmAspire.Api.Identity;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Tools;

/// <summary>A tool as it is registered; <see cref="ToolOptions"/> may say otherwise of its plan and time-out.</summary>
/// <param name="Label">What people call it.</param>
internal sealed record ToolDefinition(AIFunction Function, string Label, Plan RequiredPlan);
