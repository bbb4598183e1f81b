using LlmAspire.Web.Identity;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Web.Conversations;

/// <summary>The Api's export of a conversation.</summary>
internal static class ConversationExport
{
    public static string AddressOf(Guid conversation, string format) => $"/c/{conversation}/export?format={format}";

    public static IEndpointRouteBuilder MapConversationExport(this IEndpointRouteBuilder app)
    {
        app.MapGet("/c/{id:guid}/export", ExportAsync).RequireAuthorization();
        return app;
    }

    private static Task<Results<FileStreamHttpResult, StatusCodeHttpResult>> ExportAsync(
        Guid id, string? format, SessionStore sessions, IdentityClient identity, HttpContext context, CancellationToken cancellationToken) =>
        ApiFile.HandAsync($"/conversations/{id}/export{QueryString.Create("format", format ?? "markdown")}", context, sessions, identity, cancellationToken);
}
