using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Data;
using LlmAspire.Api.Search;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Api.Conversations;

/// <summary>A person's conversations, page by page, those in which something is found if wanted.</summary>
internal sealed class ConversationList(TenantContext tenants)
{
    /// <summary>How many conversations one statement looks through.</summary>
    private const int Step = 100;

    public async Task<ConversationPage> ReadAsync(
        string? search, bool archived, ConversationCursor? after, int limit, CancellationToken cancellationToken)
    {
        var query = tenants.Conversations.AsNoTracking().Where(row => row.Archived == archived);
        if (search is not null)
        {
            return await FindAsync(query, SearchQuery.Parse(search), after, limit, cancellationToken);
        }

        var items = await After(query, after).Take(limit + 1)
            .Select(row => new ConversationItem(row.Id, row.Title, row.Pinned, row.Archived, row.CreatedAt, row.UpdatedAt, null))
            .ToListAsync(cancellationToken);
        return Page(items, limit);
    }

    /// <summary>
    /// Looks through the newest conversations, some at a time, until a page is full. There is no index: it would be about as large as the messages and slow to fill, and what one person
    /// has is read fast enough.
    /// </summary>
    private async Task<ConversationPage> FindAsync(
        IQueryable<Conversation> query, SearchQuery search, ConversationCursor? after, int limit, CancellationToken cancellationToken)
    {
        var has = search.In<Message>(row => row.Content);
        List<ConversationItem> found = [];
        Dictionary<Guid, Guid> hits = [];
        var isEnd = false;
        while (found.Count <= limit && !isEnd)
        {
            var step = await After(query, after).Take(Step)
                .Select(row => new
                {
                    Item = new ConversationItem(row.Id, row.Title, row.Pinned, row.Archived, row.CreatedAt, row.UpdatedAt, null),
                    // Here and not in Where: PostgreSQL would look through the messages of all conversations before it takes the first.
                    Hit = tenants.Messages.Where(has).Where(one => one.ConversationId == row.Id).Select(one => (Guid?)one.Id).FirstOrDefault(),
                })
                .ToListAsync(cancellationToken);
            foreach (var row in step.Where(row => row.Hit is not null || search.IsIn(row.Item.Title)))
            {
                found.Add(row.Item);
                hits[row.Item.Id] = row.Hit ?? Guid.Empty;
            }

            isEnd = step.Count < Step;
            after = isEnd ? after : CursorOf(step[^1].Item);
        }

        return await AddSnippetsAsync(Page(found, limit), hits, search.AnyPattern, cancellationToken);
    }

    /// <summary>In the order of the list.</summary>
    private static IQueryable<Conversation> After(IQueryable<Conversation> query, ConversationCursor? after)
    {
        if (after is not null)
        {
            query = query.Where(row => EF.Functions.LessThan(
                ValueTuple.Create(row.Pinned, row.UpdatedAt, row.Id), ValueTuple.Create(after.Pinned, after.UpdatedAt, after.Id)));
        }

        return query.OrderByDescending(row => row.Pinned).ThenByDescending(row => row.UpdatedAt).ThenByDescending(row => row.Id);
    }

    /// <param name="found">More than the page has, if there are more.</param>
    private static ConversationPage Page(List<ConversationItem> found, int limit) =>
        new([.. found.Take(limit)], found.Count > limit ? CursorOf(found[limit - 1]).ToString() : null);

    private static ConversationCursor CursorOf(ConversationItem item) => new(item.Pinned, item.UpdatedAt, item.Id);

    /// <param name="hits">By the conversation, the message in which it was found.</param>
    private async Task<ConversationPage> AddSnippetsAsync(
        ConversationPage page, Dictionary<Guid, Guid> hits, string pattern, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. page.Items.Select(item => hits[item.Id])];
        var snippets = await tenants.Messages.Where(row => ids.Contains(row.Id))
            .Select(row => new { row.ConversationId, row.Content, At = TenantContext.PositionOf(row.Content, TenantContext.FirstMatch(row.Content, pattern)) })
            .Select(row => new { row.ConversationId, row.Content, Start = Math.Max(row.At - 1 - Snippet.CharactersBefore, 0) })
            .Select(row => new { row.ConversationId, row.Start, Part = row.Content.Substring(row.Start, Snippet.Characters), row.Content.Length })
            .ToDictionaryAsync(
                row => row.ConversationId,
                row => Snippet.Of(row.Part, pattern, isBeginning: row.Start == 0, isEnd: row.Start + Snippet.Characters >= row.Length),
                cancellationToken);
        return page with { Items = [.. page.Items.Select(item => item with { Snippet = snippets.GetValueOrDefault(item.Id) })] };
    }
}
