using LlmAspire.Web.Api;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Web.Identity;

/// <summary>Hands a file of the Api to the browser, which has no token for it, as it comes.</summary>
internal static class ApiFile
{
    /// <param name="path">At the Api, with its query.</param>
    /// <param name="name">What the file is called when the Api does not say.</param>
    /// <remarks>When the Api breaks off, so does the answer: the browser sees a failed download, not a short file.</remarks>
    public static async Task<Results<FileStreamHttpResult, StatusCodeHttpResult>> HandAsync(
        string path, HttpContext context, SessionStore sessions, IdentityClient identity, CancellationToken cancellationToken, string? name = null)
    {
        try
        {
            var session = sessions.Find(context.User.FindFirst(SessionStore.IdClaim)?.Value);
            if (session is null || await session.GetAsync(cancellationToken) is not { } ticket)
            {
                return TypedResults.StatusCode(StatusCodes.Status401Unauthorized);
            }

            var response = await identity.GetFileAsync(path, ticket.Access, cancellationToken);
            context.Response.RegisterForDispose(response);
            return TypedResults.Stream(
                await response.Content.ReadAsStreamAsync(cancellationToken),
                response.Content.Headers.ContentType?.ToString(),
                response.Content.Headers.ContentDisposition?.FileNameStar ?? response.Content.Headers.ContentDisposition?.FileName?.Trim('"') ?? name);
        }
        catch (ApiException exception)
        {
            return TypedResults.StatusCode(exception.Problem.Status ?? StatusCodes.Status503ServiceUnavailable);
        }
    }
}
