using System.Globalization;
using LlmAspire.Api.Data;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Prompts.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Prompts;

/// <summary>Saved prompts. A private one exists for its owner only; a shared one for the members of the organisation.</summary>
internal static class PromptLibraryApi
{
    private const int DefaultLimit = 50;
    private const int MostItems = 200;
    private const int MaxSearchCharacters = 500;

    public static IEndpointRouteBuilder MapPromptLibraryApi(this IEndpointRouteBuilder app)
    {
        var prompts = app.MapGroup("/prompts").WithTags("Prompts").ForTenant();

        prompts.MapGet("", ListAsync)
            .WithName("ListPrompts")
            .WithSummary("Saved prompts, the newest change first: scope mine, organisation (what is shared) or all. With search those that have it in the name or the text: parts of words, \"phrases\", -not, or.")
            .ProducesProblem(StatusCodes.Status400BadRequest);

        prompts.MapPost("", CreateAsync)
            .WithName("CreatePrompt")
            .WithSummary("Saves a prompt: private, or shared with the organisation.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict);

        prompts.MapGet("/{id:guid}", GetAsync)
            .WithName("GetPrompt")
            .WithSummary("A saved prompt as it is now.")
            .ProducesProblem(StatusCodes.Status404NotFound);

        prompts.MapPut("/{id:guid}", ChangeAsync)
            .WithName("ChangePrompt")
            .WithSummary("Saves another version of a prompt (its owner, or an admin when it is shared). Send the version that you changed.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);

        prompts.MapDelete("/{id:guid}", DeleteAsync)
            .WithName("DeletePrompt")
            .WithSummary("Deletes a prompt with its versions (its owner, or an admin when it is shared). Conversations that use it keep their copy.")
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound);

        prompts.MapGet("/{id:guid}/versions", ListVersionsAsync)
            .WithName("ListPromptVersions")
            .WithSummary("The versions of a prompt, the newest first. What was private when it was saved is shown to the owner only.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);

        prompts.MapPost("/{id:guid}/restore", RestoreAsync)
            .WithName("RestorePrompt")
            .WithSummary("Makes an earlier version the newest again, as a new version.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);

        return app;
    }

    private static async Task<Results<Ok<PromptPage>, ProblemHttpResult>> ListAsync(
        string? search, string? scope, string? cursor, int? limit, PromptLibrary library, HttpContext context, CancellationToken cancellationToken)
    {
        if (limit is < 1 or > MostItems || search?.Length > MaxSearchCharacters || scope is not (null or "" or "all" or "mine" or "organisation"))
        {
            return PromptProblems.Bad(context, "list_invalid", "The page cannot be listed.",
                $"limit is 1 to {MostItems}; search has at most {MaxSearchCharacters} characters; scope is mine, organisation or all.");
        }

        var after = string.IsNullOrEmpty(cursor) ? null : PromptCursor.Parse(cursor);
        if (after is null && !string.IsNullOrEmpty(cursor))
        {
            return PromptProblems.CursorInvalid(context);
        }

        return TypedResults.Ok(await library.ListAsync(
            string.IsNullOrWhiteSpace(search) ? null : search,
            scope switch { "mine" => false, "organisation" => true, _ => null },
            after, limit ?? DefaultLimit, cancellationToken));
    }

    private static async Task<Results<Created<PromptResponse>, ProblemHttpResult>> CreateAsync(
        PromptRequest request, Caller caller, PromptLibrary library, IOptions<PromptSettings> settings, HttpContext context, CancellationToken cancellationToken)
    {
        if ((PromptProblems.OfName(request.Name, context) ?? PromptProblems.OfText(request.Text, settings.Value.MaxTextCharacters, context)) is { } problem)
        {
            return problem;
        }

        return await library.AddAsync(caller, request.Name!, request.Text!, request.Visibility ?? PromptVisibility.Private, cancellationToken) is { } prompt
            ? TypedResults.Created($"/prompts/{prompt.Id}", await library.DescribeAsync(prompt, caller, cancellationToken))
            : PromptProblems.Full(context, settings.Value.MaxPrompts);
    }

    private static async Task<Results<Ok<PromptResponse>, ProblemHttpResult>> GetAsync(
        Guid id, Caller caller, PromptLibrary library, HttpContext context, CancellationToken cancellationToken) =>
        await library.FindAsync(id, cancellationToken) is { } prompt
            ? TypedResults.Ok(await library.DescribeAsync(prompt, caller, cancellationToken))
            : PromptProblems.Unknown(context);

    private static async Task<Results<Ok<PromptResponse>, ProblemHttpResult>> ChangeAsync(
        Guid id, PromptChange change, Caller caller, PromptLibrary library, IOptions<PromptSettings> settings, HttpContext context, CancellationToken cancellationToken)
    {
        var (prompt, problem) = await FindToChangeAsync(id, change.Version, caller, library, context, cancellationToken);
        problem ??= change.Name is null ? null : PromptProblems.OfName(change.Name, context);
        problem ??= change.Text is null ? null : PromptProblems.OfText(change.Text, settings.Value.MaxTextCharacters, context);
        if (prompt is null || problem is not null)
        {
            return problem!;
        }

        return await library.TryChangeAsync(
            prompt, caller, change.Name ?? prompt.Name, change.Text ?? prompt.Text, change.Visibility ?? prompt.Visibility, null, cancellationToken)
            ? TypedResults.Ok(await library.DescribeAsync(prompt, caller, cancellationToken))
            : PromptProblems.Changed(context, null);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, Caller caller, PromptLibrary library, HttpContext context, CancellationToken cancellationToken)
    {
        if (await library.FindAsync(id, cancellationToken) is not { } prompt)
        {
            return PromptProblems.Unknown(context);
        }

        if (!PromptLibrary.IsEditable(prompt, caller))
        {
            return PromptProblems.ReadOnly(context);
        }

        await library.DeleteAsync(prompt, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<PromptVersionPage>, ProblemHttpResult>> ListVersionsAsync(
        Guid id, string? cursor, int? limit, PromptLibrary library, HttpContext context, CancellationToken cancellationToken)
    {
        if (limit is < 1 or > MostItems)
        {
            return PromptProblems.Bad(context, "list_invalid", "The page cannot be listed.", $"limit is 1 to {MostItems}.");
        }

        int? before = int.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        if (before is null && !string.IsNullOrEmpty(cursor))
        {
            return PromptProblems.CursorInvalid(context);
        }

        return await library.FindAsync(id, cancellationToken) is null
            ? PromptProblems.Unknown(context)
            : TypedResults.Ok(await library.ListVersionsAsync(id, before, limit ?? DefaultLimit, cancellationToken));
    }

    private static async Task<Results<Ok<PromptResponse>, ProblemHttpResult>> RestoreAsync(
        Guid id, PromptRestore restore, Caller caller, PromptLibrary library, HttpContext context, CancellationToken cancellationToken)
    {
        var (prompt, problem) = await FindToChangeAsync(id, restore.Version, caller, library, context, cancellationToken);
        if (prompt is null || problem is not null)
        {
            return problem!;
        }

        if (restore.Number is not { } number || await library.FindVersionAsync(id, number, cancellationToken) is not { } version)
        {
            return PromptProblems.VersionUnknown(context);
        }

        // Who sees the prompt is not a matter of its text: an old version does not share it, nor hide it.
        return await library.TryChangeAsync(prompt, caller, version.Name, version.Text, prompt.Visibility, number, cancellationToken)
            ? TypedResults.Ok(await library.DescribeAsync(prompt, caller, cancellationToken))
            : PromptProblems.Changed(context, null);
    }

    /// <summary>The prompt, when the caller may change it and has seen its newest version.</summary>
    private static async Task<(Prompt?, ProblemHttpResult?)> FindToChangeAsync(
        Guid id, int? version, Caller caller, PromptLibrary library, HttpContext context, CancellationToken cancellationToken) =>
        await library.FindAsync(id, cancellationToken) switch
        {
            null => (null, PromptProblems.Unknown(context)),
            { } prompt when !PromptLibrary.IsEditable(prompt, caller) => (null, PromptProblems.ReadOnly(context)),
            _ when version is null => (null, PromptProblems.Bad(
                context, "version_missing", "The version is missing.", "Send the version that you changed in the property version; GET /prompts/{id} tells it.")),
            { } prompt when prompt.Version != version => (null, PromptProblems.Changed(context, prompt.Version)),
            { } prompt => (prompt, null),
        };
}
