using System.Globalization;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Data;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Prompts.Data;
using LlmAspire.Api.Search;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Api.Prompts;

/// <summary>The prompts that the tenant of the context sees: their own, and those that their organisation shares.</summary>
internal sealed class PromptLibrary(TenantContext tenants, IOptions<PromptSettings> settings, TimeProvider time)
{
    private const int BeginningCharacters = 200;

    /// <param name="shared">True for those of the organisation, false for the caller's own; null for all.</param>
    public async Task<PromptPage> ListAsync(
        string? search, bool? shared, PromptCursor? after, int limit, CancellationToken cancellationToken)
    {
        var query = tenants.Prompts.AsNoTracking();
        var me = tenants.Tenant!.UserId;
        if (shared is { } wanted)
        {
            query = wanted ? query.Where(row => row.Visibility == PromptVisibility.Organisation) : query.Where(row => row.UserId == me);
        }

        if (search is not null)
        {
            query = query.Where(SearchQuery.Parse(search).In<Prompt>(row => row.Name + "\n" + row.Text));
        }

        if (after is not null)
        {
            query = query.Where(row => EF.Functions.LessThan(ValueTuple.Create(row.UpdatedAt, row.Id), ValueTuple.Create(after.UpdatedAt, after.Id)));
        }

        var found = await query.OrderByDescending(row => row.UpdatedAt).ThenByDescending(row => row.Id).Take(limit + 1)
            .Select(row => new PromptItem(
                row.Id,
                row.Name,
                row.Text.Substring(0, BeginningCharacters),
                row.Visibility,
                row.Version,
                new PromptPerson(row.UserId, tenants.Users.Where(one => one.Id == row.UserId).Select(one => one.Email).FirstOrDefault()),
                row.UserId == me,
                row.UpdatedAt))
            .ToListAsync(cancellationToken);
        return new PromptPage(
            [.. found.Take(limit)], found.Count > limit ? new PromptCursor(found[limit - 1].UpdatedAt, found[limit - 1].Id).ToString() : null);
    }

    /// <summary>The prompt, tracked; null when the tenant sees none.</summary>
    public Task<Prompt?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        tenants.Prompts.SingleOrDefaultAsync(row => row.Id == id, cancellationToken);

    /// <summary>What a conversation takes of a prompt; null when the tenant sees none.</summary>
    public Task<PromptCopy?> CopyAsync(Guid id, CancellationToken cancellationToken) =>
        tenants.Prompts.Where(row => row.Id == id).Select(row => new PromptCopy(row.Id, row.Version, row.Name, row.Text)).SingleOrDefaultAsync(cancellationToken);

    public async Task<PromptResponse> DescribeAsync(Prompt prompt, Caller caller, CancellationToken cancellationToken) => new(
        prompt.Id, prompt.Name, prompt.Text, prompt.Visibility, prompt.Version,
        new PromptPerson(prompt.UserId, await tenants.Users.Where(row => row.Id == prompt.UserId).Select(row => row.Email).SingleOrDefaultAsync(cancellationToken)),
        prompt.UserId == caller.UserId, IsEditable(prompt, caller), prompt.CreatedAt, prompt.UpdatedAt);

    /// <summary>Of what is seen: the owner may change it, and so may an admin of the organisation, of what it shares.</summary>
    public static bool IsEditable(Prompt prompt, Caller caller) => prompt.UserId == caller.UserId || caller.Role == Role.Admin;

    /// <returns>Null when the caller has as many as there may be.</returns>
    public async Task<Prompt?> AddAsync(Caller caller, string name, string text, PromptVisibility visibility, CancellationToken cancellationToken)
    {
        if (await tenants.Prompts.CountAsync(row => row.UserId == caller.UserId, cancellationToken) >= settings.Value.MaxPrompts)
        {
            return null;
        }

        var now = Now();
        var prompt = new Prompt
        {
            Id = Guid.CreateVersion7(now),
            OrgId = caller.OrgId,
            UserId = caller.UserId,
            Name = name.Trim(),
            Text = text,
            Visibility = visibility,
            Version = 1,
            CreatedAt = now,
            UpdatedAt = now,
        };
        tenants.Prompts.Add(prompt);
        tenants.PromptVersions.Add(VersionOf(prompt, caller, null));
        await tenants.SaveChangesAsync(cancellationToken);
        return prompt;
    }

    /// <summary>Saves another version.</summary>
    /// <param name="restoredFrom">The version that it brings back.</param>
    /// <returns>False when somebody else did at the same moment: then nothing is saved.</returns>
    public async Task<bool> TryChangeAsync(
        Prompt prompt, Caller caller, string name, string text, PromptVisibility visibility, int? restoredFrom, CancellationToken cancellationToken)
    {
        (prompt.Name, prompt.Text, prompt.Visibility, prompt.Version, prompt.UpdatedAt) = (name.Trim(), text, visibility, prompt.Version + 1, Now());
        tenants.PromptVersions.Add(VersionOf(prompt, caller, restoredFrom));
        try
        {
            await tenants.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception is DbUpdateConcurrencyException
            || exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            // The prompt has another version by now, or there is one of this number.
            return false;
        }

        var oldest = prompt.Version - settings.Value.MaxVersions;
        await tenants.PromptVersions.IgnoreQueryFilters([TenantContext.TenantFilter])
            .Where(row => row.PromptId == prompt.Id && row.Number <= oldest).ExecuteDeleteAsync(cancellationToken);
        return true;
    }

    public Task DeleteAsync(Prompt prompt, CancellationToken cancellationToken) =>
        tenants.Prompts.Where(row => row.Id == prompt.Id).ExecuteDeleteAsync(cancellationToken);

    /// <summary>The newest first. Those that were private when they were saved are shown to the owner only.</summary>
    /// <param name="before">The number of the last one of the page before; null for the first page.</param>
    public async Task<PromptVersionPage> ListVersionsAsync(Guid id, int? before, int limit, CancellationToken cancellationToken)
    {
        var found = await tenants.PromptVersions.AsNoTracking()
            .Where(row => row.PromptId == id && (before == null || row.Number < before))
            .OrderByDescending(row => row.Number).Take(limit + 1)
            .Select(row => new PromptVersionResponse(
                row.Number,
                row.Name,
                row.Text,
                row.Visibility,
                new PromptPerson(row.AuthorId, tenants.Users.Where(one => one.Id == row.AuthorId).Select(one => one.Email).FirstOrDefault()),
                row.RestoredFrom,
                row.CreatedAt))
            .ToListAsync(cancellationToken);
        return new PromptVersionPage([.. found.Take(limit)], found.Count > limit ? found[limit - 1].Number.ToString(CultureInfo.InvariantCulture) : null);
    }

    public Task<PromptVersion?> FindVersionAsync(Guid id, int number, CancellationToken cancellationToken) =>
        tenants.PromptVersions.AsNoTracking().SingleOrDefaultAsync(row => row.PromptId == id && row.Number == number, cancellationToken);

    private static PromptVersion VersionOf(Prompt prompt, Caller caller, int? restoredFrom) => new()
    {
        PromptId = prompt.Id,
        Number = prompt.Version,
        Name = prompt.Name,
        Text = prompt.Text,
        Visibility = prompt.Visibility,
        AuthorId = caller.UserId,
        RestoredFrom = restoredFrom,
        CreatedAt = prompt.UpdatedAt,
    };

    /// <summary>As exact as PostgreSQL keeps it, so that what is answered is what is read afterwards.</summary>
    private DateTimeOffset Now()
    {
        var now = time.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
    }
}
