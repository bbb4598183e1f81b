using System.Net.Mime;
using System.Text;
using System.Text.Json;
using LlmAspire.Api.Chat;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Data;
using LlmAspire.Api.Http;
using LlmAspire.Api.Prompts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Api.Conversations;

/// <summary>A person's own conversations. Nobody else sees them, not even in the same organisation.</summary>
internal static class ConversationApi
{
    private const int DefaultLimit = 50;
    private const int MostItems = 200;
    private const int MaxSearchCharacters = 500;

    private static readonly JsonSerializerOptions Indented = new(JsonSerializerOptions.Web) { WriteIndented = true, NewLine = "\n" };

    public static IEndpointRouteBuilder MapConversationApi(this IEndpointRouteBuilder app)
    {
        var conversations = app.MapGroup("/conversations").WithTags("Conversations").ForTenant();

        conversations.MapGet("", ListAsync)
            .WithName("ListConversations")
            .WithSummary("Your conversations: the pinned first, then the newest. With search those that have it in the title or a message: parts of words, \"phrases\", -not, or.")
            .ProducesProblem(StatusCodes.Status400BadRequest);

        conversations.MapGet("/{id:guid}", GetAsync)
            .WithName("GetConversation")
            .WithSummary("A conversation with all branches.")
            .ProducesProblem(StatusCodes.Status404NotFound);

        conversations.MapPatch("/{id:guid}", ChangeAsync)
            .WithName("ChangeConversation")
            .WithSummary("Renames, pins or archives a conversation, or shows another branch.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);

        conversations.MapPut("/{id:guid}/prompt", SetPromptAsync)
            .WithName("SetConversationPrompt")
            .WithSummary("Has a conversation use a saved prompt from its next message on: a copy of what the prompt is now.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);

        conversations.MapDelete("/{id:guid}/prompt", RemovePromptAsync)
            .WithName("RemoveConversationPrompt")
            .WithSummary("Has a conversation go on without a prompt.")
            .ProducesProblem(StatusCodes.Status404NotFound);

        conversations.MapDelete("/{id:guid}", DeleteAsync)
            .WithName("DeleteConversation")
            .WithSummary("Deletes a conversation with all that was said. What it used stays in the ledger.")
            .ProducesProblem(StatusCodes.Status404NotFound);

        conversations.MapGet("/{id:guid}/export", ExportAsync)
            .WithName("ExportConversation")
            .WithSummary("The conversation as a file: format markdown (the branch that is shown) or json (all).")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);

        return app;
    }

    private static async Task<Results<Ok<ConversationPage>, ProblemHttpResult>> ListAsync(
        string? search, bool? archived, string? cursor, int? limit, ConversationList list, HttpContext context, CancellationToken cancellationToken)
    {
        if (limit is < 1 or > MostItems || search?.Length > MaxSearchCharacters)
        {
            return Bad(context, "list_invalid", "The page cannot be listed.", $"limit is 1 to {MostItems}; search has at most {MaxSearchCharacters} characters.");
        }

        var after = string.IsNullOrEmpty(cursor) ? null : ConversationCursor.Parse(cursor);
        if (after is null && !string.IsNullOrEmpty(cursor))
        {
            return Bad(context, "cursor_invalid", "The cursor is not valid.", "Send next of the page before, unchanged.");
        }

        return TypedResults.Ok(await list.ReadAsync(
            string.IsNullOrWhiteSpace(search) ? null : search, archived ?? false, after, limit ?? DefaultLimit, cancellationToken));
    }

    private static async Task<Results<Ok<ConversationResponse>, ProblemHttpResult>> GetAsync(
        Guid id, ConversationReader reader, HttpContext context, CancellationToken cancellationToken) =>
        await reader.ReadAsync(id, cancellationToken) is { } conversation ? TypedResults.Ok(conversation) : ChatProblems.ConversationUnknown(context);

    private static async Task<Results<NoContent, ProblemHttpResult>> ChangeAsync(
        Guid id, ConversationChange change, TenantContext tenants, HttpContext context, CancellationToken cancellationToken)
    {
        if (change.Title is { } title && (string.IsNullOrWhiteSpace(title) || title.Length > Conversation.MaxTitleCharacters || title.Contains('\0', StringComparison.Ordinal)))
        {
            return Bad(context, "title_invalid", "The title is not valid.", $"Send 1 to {Conversation.MaxTitleCharacters} characters in the property title.");
        }

        if (await tenants.Conversations.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } conversation)
        {
            return ChatProblems.ConversationUnknown(context);
        }

        if (change.CurrentMessageId is { } current && !await tenants.Messages.AnyAsync(row => row.Id == current && row.ConversationId == id, cancellationToken))
        {
            return ChatProblems.MessageUnknown(context);
        }

        (conversation.Title, conversation.TitleSource) = change.Title is null
            ? (conversation.Title, conversation.TitleSource)
            : (change.Title.Trim(), TitleSource.User);
        conversation.Pinned = change.Pinned ?? conversation.Pinned;
        conversation.Archived = change.Archived ?? conversation.Archived;
        conversation.CurrentMessageId = change.CurrentMessageId ?? conversation.CurrentMessageId;
        await tenants.SaveChangesAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<PromptCopy>, ProblemHttpResult>> SetPromptAsync(
        Guid id, PromptChoice choice, TenantContext tenants, PromptLibrary prompts, HttpContext context, CancellationToken cancellationToken)
    {
        if (await tenants.Conversations.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } conversation)
        {
            return ChatProblems.ConversationUnknown(context);
        }

        if (choice.PromptId is not { } promptId)
        {
            return Bad(context, "prompt_missing", "The prompt is missing.", "Send its id in the property promptId; DELETE goes on without one.");
        }

        if (await prompts.CopyAsync(promptId, cancellationToken) is not { } prompt)
        {
            return PromptProblems.Unknown(context);
        }

        conversation.Prompt = prompt;
        await tenants.SaveChangesAsync(cancellationToken);
        return TypedResults.Ok(prompt);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RemovePromptAsync(
        Guid id, TenantContext tenants, HttpContext context, CancellationToken cancellationToken)
    {
        if (await tenants.Conversations.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } conversation)
        {
            return ChatProblems.ConversationUnknown(context);
        }

        conversation.Prompt = null;
        await tenants.SaveChangesAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, TenantContext tenants, RunStop stop, HttpContext context, CancellationToken cancellationToken)
    {
        var running = await tenants.Runs.Where(row => row.ConversationId == id && row.State == MessageStatus.Running)
            .Select(row => row.Id).ToListAsync(cancellationToken);
        if (await tenants.Conversations.Where(row => row.Id == id).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return ChatProblems.ConversationUnknown(context);
        }

        foreach (var run in running)
        {
            await stop.TellAsync(run, cancellationToken);
        }

        return TypedResults.NoContent();
    }

    private static async Task<Results<FileContentHttpResult, ProblemHttpResult>> ExportAsync(
        Guid id, string? format, ConversationReader reader, HttpContext context, CancellationToken cancellationToken)
    {
        if (format is not (null or "markdown" or "json"))
        {
            return Bad(context, "format_unknown", "There is no such format.", "Send format=markdown or format=json.");
        }

        if (await reader.ReadAsync(id, cancellationToken) is not { } conversation)
        {
            return ChatProblems.ConversationUnknown(context);
        }

        return format == "json"
            ? TypedResults.File(JsonSerializer.SerializeToUtf8Bytes(conversation, Indented), MediaTypeNames.Application.Json, $"conversation-{id}.json")
            : TypedResults.File(Encoding.UTF8.GetBytes(ConversationExport.ToMarkdown(conversation)), "text/markdown; charset=utf-8", $"conversation-{id}.md");
    }

    private static ProblemHttpResult Bad(HttpContext context, string code, string title, string detail) =>
        Problems.Create(context, StatusCodes.Status400BadRequest, code, title, detail);
}
