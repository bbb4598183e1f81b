using System.Text.Json.Nodes;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Security;
using Microsoft.AspNetCore.Mvc;

namespace LlmAspire.DemoGateway.Models;

/// <summary>What the gateway offers: aliases, and the deployments behind them.</summary>
internal static class ModelsApi
{
    public static IEndpointRouteBuilder MapModelsApi(this IEndpointRouteBuilder routes)
    {
        var models = routes.MapGroup("").WithGatewayErrors().RequireMasterKey();
        foreach (var prefix in (string[])["", "/v1"])
        {
            models.MapGet($"{prefix}/models", ListModels);
            models.MapGet($"{prefix}/models/{{id}}", GetModel);
            models.MapGet($"{prefix}/model/info", ListDeployments);
        }

        models.MapGet("/model_group/info", ListGroups);
        return routes;
    }

    private static JsonBody ListModels(LiteLlmConfig config, [FromQuery(Name = "include_metadata")] string? includeMetadata)
    {
        var withMetadata = string.Equals(includeMetadata, "true", StringComparison.OrdinalIgnoreCase);
        var models = config.Aliases.Select(alias =>
            ModelObject.Of(alias, withMetadata ? new ModelMetadata(config.Fallbacks.GetValueOrDefault(alias, [])) : null));
        return JsonBody.Of(new ModelList([.. models]), GatewayJson.Wire.ModelList);
    }

    private static JsonBody GetModel(LiteLlmConfig config, string id) => config.Aliases.Contains(id)
        ? JsonBody.Of(ModelObject.Of(id), GatewayJson.Wire.ModelObject)
        : JsonBody.Of(
            new DetailBody($"The model `{id}` does not exist or is not accessible"), GatewayJson.Wire.DetailBody, StatusCodes.Status404NotFound);

    private static JsonBody ListDeployments(LiteLlmConfig config) =>
        JsonBody.Of(new ModelInfoList([.. config.Deployments.Select(Describe)]), GatewayJson.Wire.ModelInfoList);

    private static ModelInfoEntry Describe(Deployment deployment)
    {
        // The proxy's own fields; what the configuration says under model_info comes back verbatim and wins.
        var modelInfo = new JsonObject
        {
            ["id"] = deployment.Id,
            ["db_model"] = false,
            ["key"] = deployment.Model,
            ["litellm_provider"] = deployment.Provider,
            ["mode"] = "chat",
            ["max_tokens"] = deployment.MaxOutputTokens,
            ["max_input_tokens"] = deployment.MaxInputTokens,
            ["max_output_tokens"] = deployment.MaxOutputTokens,
        };
        // An entry of litellm_params overrides the price list there as well.
        foreach (var (name, value) in PriceMap.Of(deployment))
        {
            modelInfo[name] = (deployment.LiteLlmParams[name] ?? value)?.DeepClone();
        }

        foreach (var (name, value) in deployment.ModelInfo)
        {
            modelInfo[name] = value?.DeepClone();
        }

        return new ModelInfoEntry(deployment.Alias, deployment.LiteLlmParams, modelInfo);
    }

    private static JsonBody ListGroups(LiteLlmConfig config) => JsonBody.Of(
        new ModelGroupList([.. config.Deployments.GroupBy(deployment => deployment.Alias).Select(group => new ModelGroupEntry(
            group.Key,
            [.. group.Select(deployment => deployment.Provider).Distinct()],
            group.Max(deployment => deployment.MaxInputTokens),
            group.Max(deployment => deployment.MaxOutputTokens),
            "chat",
            SupportsFunctionCalling: true))]),
        GatewayJson.Wire.ModelGroupList);
}
