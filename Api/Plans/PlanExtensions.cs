namespace LlmAspire.Api.Plans;

internal static class PlanExtensions
{
    /// <summary>Adds the limits of the plans.</summary>
    public static TBuilder AddPlans<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<PlanOptions>().BindConfiguration(PlanOptions.Section)
            .Validate(plans => plans.ArePossible, PlanOptions.WhatIsPossible).ValidateOnStart();
        builder.Services.AddSingleton<RequestLimits>();
        builder.Services.AddSingleton<RunLimits>();
        builder.Services.AddScoped<Allowances>();
        return builder;
    }

    /// <summary>Counts the requests to the endpoints marked with <see cref="LimitRequests"/>. After authorization: who may not ask is not counted.</summary>
    public static IApplicationBuilder UseRequestLimits(this IApplicationBuilder app) => app.Use((context, next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<RequestsLimited>() is null
            ? next(context)
            : context.RequestServices.GetRequiredService<RequestLimits>().InvokeAsync(context, next));

    public static TBuilder LimitRequests<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.WithMetadata(new RequestsLimited());

    private sealed class RequestsLimited;
}
