using LlmAspire.Web.Api;
using LlmAspire.Web.Identity;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Web.Conversations;

/// <summary>Hands the Api's export of a conversation to the browser, which has no token for it.</summary>
internal static class ConversationExport
{
    public static string AddressOf(Guid conversation, string format) => $"/c/{conversation}/export?format={format}";

    public static IEndpointRouteBuilder MapConversationExport(this IEndpointRouteBuilder app)
    {
        app.MapGet("/c/{id:guid}/export", ExportAsync).RequireAuthorization();
        return app;
    }

    private static async Task<Results<FileStreamHttpResult, StatusCodeHttpResult>> ExportAsync(
        Guid id, string? format, SessionStore sessions, IdentityClient identity, HttpContext context, CancellationToken cancellationToken)
    {
        try
        {
            var session = sessions.Find(context.User.FindFirst(SessionStore.IdClaim)?.Value);
            if (session is null || await session.GetAsync(cancellationToken) is not { } ticket)
            {
                return TypedResults.StatusCode(StatusCodes.Status401Unauthorized);
            }

            var response = await identity.GetFileAsync(
                $"/conversations/{id}/export{QueryString.Create("format", format ?? "markdown")}", ticket.Access, cancellationToken);
            context.Response.RegisterForDispose(response);
            return TypedResults.Stream(
                await response.Content.ReadAsStreamAsync(cancellationToken),
                response.Content.Headers.ContentType?.ToString(),
                response.Content.Headers.ContentDisposition?.FileNameStar ?? response.Content.Headers.ContentDisposition?.FileName?.Trim('"'));
        }
        catch (ApiException exception)
        {
            return TypedResults.StatusCode(exception.Problem.Status ?? StatusCodes.Status503ServiceUnavailable);
        }
    }
}
