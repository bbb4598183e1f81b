using System.Globalization;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Plans;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace LlmAspire.Api.Models;

/// <summary>The models that the caller may choose from.</summary>
internal static class ModelsApi
{
    /// <summary>Present when the gateway is away and the list is what it last said; <c>Age</c> says how old it is, in seconds.</summary>
    public const string StaleHeader = "X-Models-Stale";

    public static IEndpointRouteBuilder MapModelsApi(this IEndpointRouteBuilder app)
    {
        app.MapGet("/llm/models", ListModels)
            .WithName("ListModels")
            .WithSummary("Lists the models of your plan; with include=locked also those it lacks, with the plan that has them.")
            .WithTags("Models")
            .LimitRequests()
            .ProducesProblem(StatusCodes.Status429TooManyRequests);
        return app;
    }

    private static Ok<IEnumerable<ModelResponse>> ListModels(string? include, Caller caller, IModelCatalog catalog, HttpResponse response)
    {
        if (catalog.IsStale)
        {
            response.Headers[StaleHeader] = "true";
        }

        response.Headers[HeaderNames.Age] = ((long)(catalog.Age ?? default).TotalSeconds).ToString(CultureInfo.InvariantCulture);
        return TypedResults.Ok(catalog.ListModels()
            .Where(model => include == "locked" || model.RequiredPlan <= caller.Plan)
            .Select(model => ModelResponse.From(model, caller)));
    }
}
