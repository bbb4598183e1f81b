using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Data;
using Microsoft.EntityFrameworkCore;
using NpgsqlTypes;

namespace LlmAspire.Api.Conversations;

/// <summary>A person's conversations, page by page, those with certain words if wanted.</summary>
internal sealed class ConversationList(TenantContext tenants)
{
    /// <summary>
    /// Up to so many hits they are read; beyond, the words are so frequent that the newest conversations are looked through, of which most have them.
    /// </summary>
    private const int FewHits = 2_000;

    private const string Dictionary = "simple";

    private const string HeadlineOptions = "StartSel='', StopSel='', MaxWords=30, MinWords=10, MaxFragments=1";

    public async Task<ConversationPage> ReadAsync(
        string? search, bool archived, ConversationCursor? after, int limit, CancellationToken cancellationToken)
    {
        var query = tenants.Conversations.AsNoTracking().Where(row => row.Archived == archived);
        if (search is not null)
        {
            query = await FindAsync(query, search, cancellationToken);
        }

        if (after is not null)
        {
            query = query.Where(row => EF.Functions.LessThan(
                ValueTuple.Create(row.Pinned, row.UpdatedAt, row.Id), ValueTuple.Create(after.Pinned, after.UpdatedAt, after.Id)));
        }

        var found = await query.OrderByDescending(row => row.Pinned).ThenByDescending(row => row.UpdatedAt).ThenByDescending(row => row.Id)
            .Take(limit + 1)
            .Select(row => new ConversationItem(row.Id, row.Title, row.Pinned, row.Archived, row.CreatedAt, row.UpdatedAt, null))
            .ToListAsync(cancellationToken);
        var next = found.Count > limit ? new ConversationCursor(found[limit - 1].Pinned, found[limit - 1].UpdatedAt, found[limit - 1].Id).ToString() : null;
        var page = found.Take(limit).ToList();
        return new ConversationPage(search is null ? page : await AddSnippetsAsync(page, search, cancellationToken), next);
    }

    private async Task<IQueryable<Conversation>> FindAsync(IQueryable<Conversation> query, string search, CancellationToken cancellationToken)
    {
        var hits = await Hits(search).Select(row => row.ConversationId).Take(FewHits + 1).ToListAsync(cancellationToken);
        if (hits.Count <= FewHits)
        {
            var ids = hits.Distinct().ToArray();
            return query.Where(row => ids.Contains(row.Id) || row.Search.Matches(EF.Functions.WebSearchToTsQuery(Dictionary, search)));
        }

        return query.Where(row => row.Search.Matches(EF.Functions.WebSearchToTsQuery(Dictionary, search))
            || tenants.Messages.Any(one => one.ConversationId == row.Id && one.Search.Matches(EF.Functions.WebSearchToTsQuery(Dictionary, search))));
    }

    /// <summary>The owner is a word of the index: it finds no messages of others, of which there may be many more.</summary>
    private IQueryable<Message> Hits(string search)
    {
        // A lexeme as it is: parsed as text, an id falls apart into several.
        NpgsqlTsQuery owner = new NpgsqlTsQueryLexeme(tenants.Tenant!.UserId.ToString());
        return tenants.Messages.Where(row => row.Search.Matches(EF.Functions.WebSearchToTsQuery(Dictionary, search).And(owner)));
    }

    private async Task<List<ConversationItem>> AddSnippetsAsync(List<ConversationItem> page, string search, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. page.Select(item => item.Id)];
        var snippets = await tenants.Conversations.Where(row => ids.Contains(row.Id))
            .SelectMany(row => tenants.Messages
                .Where(one => one.ConversationId == row.Id && one.Search.Matches(EF.Functions.WebSearchToTsQuery(Dictionary, search)))
                .OrderBy(one => one.Id).Take(1)
                .Select(one => new
                {
                    one.ConversationId,
                    Text = EF.Functions.WebSearchToTsQuery(Dictionary, search).GetResultHeadline(Dictionary, one.Content.Substring(0, 20_000), HeadlineOptions),
                }))
            .ToDictionaryAsync(row => row.ConversationId, row => row.Text, cancellationToken);
        return [.. page.Select(item => item with { Snippet = snippets.GetValueOrDefault(item.Id) })];
    }
}
