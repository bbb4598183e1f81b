using LlmAspire.Api.Identity;
using LlmAspire.Api.Plans;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Tools;

/// <summary>The tools that the caller's chats may use.</summary>
internal static class ToolsApi
{
    public static IEndpointRouteBuilder MapToolsApi(this IEndpointRouteBuilder app)
    {
        app.MapGet("/chat/tools", ListToolsAsync)
            .WithName("ListTools")
            .WithSummary("Lists the tools of your plan; with include=locked also those it lacks, with the plan that has them.")
            .WithTags("Chat")
            .LimitRequests()
            .ProducesProblem(StatusCodes.Status429TooManyRequests);
        return app;
    }

    private static async Task<Ok<IEnumerable<ToolResponse>>> ListToolsAsync(
        string? include, Caller caller, ToolDirectory tools, CancellationToken cancellationToken) =>
        TypedResults.Ok((await tools.ListAsync(cancellationToken))
            .Where(tool => include == "locked" || tool.RequiredPlan <= caller.Plan)
            .Select(tool => ToolResponse.From(tool, caller)));
}
