using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Plans;
using LlmAspire.Api.Tools;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Chat;

/// <summary>Says beforehand what a message would use. It is validated as it would be when it is sent.</summary>
internal static class ChatEstimates
{
    public static async Task<Results<Ok<EstimateResponse>, ProblemHttpResult>> EstimateAsync(
        [FromBody] ChatRequest request,
        Caller caller,
        ChatValidator validator,
        ToolDirectory directory,
        ChatService chat,
        CallEstimator estimator,
        Allowances allowances,
        HttpContext context,
        CancellationToken cancellationToken)
    {
        if (validator.Validate(request, caller, context, out var model) is { } problem)
        {
            return problem;
        }

        var (tools, unusable) = await directory.FindAsync(request.Tools, model, caller, context, cancellationToken);
        if (unusable is not null)
        {
            return unusable;
        }

        var (messages, unreadable) = await chat.ReadAsync(request, model, context, cancellationToken);
        if (messages is null)
        {
            return unreadable!;
        }

        var estimate = await estimator.EstimateAsync(
            model, caller.UserId, messages, new ChatOptions { ModelId = model.Id, Tools = RunTools.Declare(tools) }, cancellationToken);
        var allowance = await allowances.FindAsync(caller.OrgId, caller.OrgPlan, cancellationToken);
        return TypedResults.Ok(new EstimateResponse(
            model.Id, estimate.PromptTokens, estimate.MaxOutputTokens, estimate.Reserved, allowance, allowance is null || estimate.Reserved <= allowance.Remaining));
    }
}
