using Microsoft.AspNetCore.RateLimiting;

namespace LlmAspire.Api.Plans;

internal static class PlanExtensions
{
    /// <summary>Adds the plans and their limits.</summary>
    public static TBuilder AddPlans<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<PlanOptions>().BindConfiguration(PlanOptions.Section, binder => binder.ErrorOnUnknownConfiguration = true)
            .Validate(plans => plans.ArePossible, PlanOptions.WhatIsPossible).ValidateOnStart();
        builder.Services.AddSingleton<RequestLimits>();
        builder.Services.AddSingleton<RunLimits>();
        builder.Services.AddScoped<Allowances>();
        return builder;
    }

    /// <summary>Counts the requests to the endpoints marked with <see cref="LimitRequests"/>. After authorization: who may not ask is not counted.</summary>
    public static IApplicationBuilder UseRequestLimits(this IApplicationBuilder app) => app.Use((context, next) =>
        context.GetEndpoint()?.Metadata is not { } metadata
        || metadata.GetMetadata<RequestsLimited>() is null
        || metadata.GetMetadata<DisableRateLimitingAttribute>() is not null
            ? next(context)
            : context.RequestServices.GetRequiredService<RequestLimits>().InvokeAsync(context, next));

    /// <remarks>The framework's own DisableRateLimiting makes an exception.</remarks>
    public static TBuilder LimitRequests<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.WithMetadata(new RequestsLimited());

    private sealed class RequestsLimited;
}
