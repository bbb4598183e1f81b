using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;

namespace LlmAspire.Api.Models;

/// <param name="Id">What <c>model</c> of a chat takes.</param>
/// <param name="Label">What people call it.</param>
/// <param name="Available">Whether the caller's plan has it.</param>
/// <param name="RequiredPlan">The lowest plan that has it.</param>
/// <param name="ContextWindow">Tokens of prompt that it takes; null when unknown.</param>
/// <param name="MaxOutputTokens">Tokens that it can answer with; null when unknown.</param>
/// <param name="SupportsTools">Null when unknown.</param>
public sealed record ModelResponse(
    string Id,
    string Label,
    string? Provider,
    bool Available,
    Plan RequiredPlan,
    int? ContextWindow,
    int? MaxOutputTokens,
    bool? SupportsTools)
{
    internal static ModelResponse From(ChatModel model, Caller caller) => new(
        model.Id,
        model.Label,
        model.Provider,
        model.RequiredPlan <= caller.Plan,
        model.RequiredPlan,
        model.ContextWindow,
        model.MaxOutputTokens,
        model.SupportsTools);
}
