using LlmAspire.Api.Plans;
using LlmAspire.ServiceDefaults.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.OpenApi;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;

namespace LlmAspire.Api.Http;

/// <summary>What every endpoint has: limits, problem details and a description.</summary>
internal static class HttpDefaults
{
    /// <summary>The most that a body may have; the limits of messages are below it and say more.</summary>
    public const int MaxBodyBytes = 4 * 1024 * 1024;

    public static TBuilder AddHttpDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
        });
        builder.Services.ConfigureHttpJsonOptions(json => StrictJson.Configure(json.SerializerOptions));
        // Thrown, a bad body reaches ProblemExceptionHandler with its reason; otherwise only the status is left of it.
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        // The framework's own id is the whole traceparent; a user needs the part that the ledger and the traces show.
        builder.Services.AddProblemDetails(problems => problems.CustomizeProblemDetails = context =>
            context.ProblemDetails.Extensions["traceId"] = Problems.TraceId(context.HttpContext));
        builder.Services.AddExceptionHandler<ProblemExceptionHandler>();
        // The description takes a type from the framework's own converters alone.
        builder.Services.AddOpenApi(openApi => openApi.AddSchemaTransformer((schema, context, _) =>
        {
            schema.Type = context.JsonTypeInfo.Type == typeof(DateTimeOffset) ? JsonSchemaType.String
                : context.JsonTypeInfo.Type == typeof(DateTimeOffset?) ? JsonSchemaType.String | JsonSchemaType.Null
                : schema.Type;
            return Task.CompletedTask;
        }));
        return builder;
    }

    public static WebApplication UseHttpDefaults(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            SuppressDiagnosticsCallback = context => context.Exception is BadHttpRequestException,
        });
        app.UseStatusCodePages(context =>
            Problems.ForStatus(context.HttpContext, context.HttpContext.Response.StatusCode).ExecuteAsync(context.HttpContext));
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseAuthorization();
        app.UseRequestLimits();
        app.UseTextChecks();
        return app;
    }
}
