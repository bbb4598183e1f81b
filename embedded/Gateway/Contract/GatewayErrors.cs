namespace LlmAspire.DemoGateway.Contract;

internal static class GatewayErrors
{
    /// <summary>Gives an unknown path and a wrong method the body that FastAPI gives.</summary>
    public static void UseFastApiErrors(this WebApplication app) => app.UseStatusCodePages(async context =>
    {
        var response = context.HttpContext.Response;
        var detail = response.StatusCode switch
        {
            StatusCodes.Status404NotFound => "Not Found",
            StatusCodes.Status405MethodNotAllowed => "Method Not Allowed",
            _ => null,
        };
        if (detail is not null)
        {
            await JsonBody.Of(new DetailBody(detail), GatewayJson.Wire.DetailBody, response.StatusCode).ExecuteAsync(context.HttpContext);
        }
    });

    /// <summary>Answers a <see cref="GatewayException"/> of the endpoint with its status and body.</summary>
    public static TBuilder WithGatewayErrors<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.AddEndpointFilter(async (context, next) =>
    {
        try
        {
            return await next(context);
        }
        catch (GatewayException exception)
        {
            return JsonBody.Of(exception.Body, GatewayJson.Wire.ErrorBody, exception.Status);
        }
    });
}
