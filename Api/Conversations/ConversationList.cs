using System.Linq.Expressions;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Data;
using Microsoft.EntityFrameworkCore;
using NpgsqlTypes;

namespace LlmAspire.Api.Conversations;

/// <summary>A person's conversations, page by page, those with certain words if wanted.</summary>
internal sealed class ConversationList(TenantContext tenants)
{
    /// <summary>
    /// Up to so many hits they are read by the index; beyond, the words are so frequent that the newest conversations are looked through, of which most
    /// have them.
    /// </summary>
    private const int FewHits = 5_000;

    private const string Dictionary = "simple";

    private const string HeadlineOptions = "StartSel='', StopSel='', MaxWords=30, MinWords=10, MaxFragments=1";

    private const int HeadlineCharacters = 20_000;

    public async Task<ConversationPage> ReadAsync(
        string? search, bool archived, ConversationCursor? after, int limit, CancellationToken cancellationToken)
    {
        var query = tenants.Conversations.AsNoTracking().Where(row => row.Archived == archived);
        if (search is null)
        {
            return await ReadPageAsync(query, after, limit, cancellationToken);
        }

        if (await FindAsync(search, cancellationToken) is { } hits)
        {
            Guid[] ids = [.. hits.Keys];
            var few = await ReadPageAsync(
                query.Where(row => ids.Contains(row.Id) || row.Search.Matches(EF.Functions.WebSearchToTsQuery(Dictionary, search))), after, limit, cancellationToken);
            return await AddSnippetsAsync(few, hits, search, cancellationToken);
        }

        var has = Has(search);
        var many = await WalkAsync(query, has, search, after, limit, cancellationToken);
        return await AddSnippetsAsync(many, await FindAsync(many, has, cancellationToken), search, cancellationToken);
    }

    /// <summary>
    /// Looks through the newest conversations, a few at a time, until a page is full. In one statement PostgreSQL would look through all of them before it
    /// takes the first.
    /// </summary>
    private async Task<ConversationPage> WalkAsync(
        IQueryable<Conversation> query, Expression<Func<Message, bool>> has, string search, ConversationCursor? after, int limit, CancellationToken cancellationToken)
    {
        List<ConversationItem> found = [];
        for (var step = new ConversationPage([], null); ; after = ConversationCursor.Parse(step.Next!))
        {
            step = await ReadPageAsync(query, after, limit + 1, cancellationToken);
            Guid[] ids = [.. step.Items.Select(item => item.Id)];
            var matching = await tenants.Conversations
                .Where(row => ids.Contains(row.Id) && (row.Search.Matches(EF.Functions.WebSearchToTsQuery(Dictionary, search))
                    // Not Any: PostgreSQL would make a join of it, and look through all messages of everybody.
                    || tenants.Messages.Where(has).Where(one => one.ConversationId == row.Id).Select(one => (Guid?)one.Id).FirstOrDefault() != null))
                .Select(row => row.Id).ToHashSetAsync(cancellationToken);
            found.AddRange(step.Items.Where(item => matching.Contains(item.Id)));
            if (found.Count > limit || step.Next is null)
            {
                return Page(found, limit);
            }
        }
    }

    private static async Task<ConversationPage> ReadPageAsync(
        IQueryable<Conversation> query, ConversationCursor? after, int limit, CancellationToken cancellationToken)
    {
        if (after is not null)
        {
            query = query.Where(row => EF.Functions.LessThan(
                ValueTuple.Create(row.Pinned, row.UpdatedAt, row.Id), ValueTuple.Create(after.Pinned, after.UpdatedAt, after.Id)));
        }

        var found = await query.OrderByDescending(row => row.Pinned).ThenByDescending(row => row.UpdatedAt).ThenByDescending(row => row.Id)
            .Take(limit + 1)
            .Select(row => new ConversationItem(row.Id, row.Title, row.Pinned, row.Archived, row.CreatedAt, row.UpdatedAt, null))
            .ToListAsync(cancellationToken);
        return Page(found, limit);
    }

    /// <param name="found">One more than the page has, if there are more.</param>
    private static ConversationPage Page(List<ConversationItem> found, int limit) => new(
        [.. found.Take(limit)],
        found.Count > limit ? new ConversationCursor(found[limit - 1].Pinned, found[limit - 1].UpdatedAt, found[limit - 1].Id).ToString() : null);

    /// <summary>The first message with the words of each conversation that has any; null when there are too many to list.</summary>
    private async Task<Dictionary<Guid, Guid>?> FindAsync(string search, CancellationToken cancellationToken)
    {
        // The owner is a word of the index: it finds no messages of others, of which there may be many more. It is a lexeme as it is: parsed as text,
        // an id falls apart into several.
        NpgsqlTsQuery owner = new NpgsqlTsQueryLexeme(tenants.Tenant!.UserId.ToString());
        var hits = await tenants.Database.CreateExecutionStrategy().ExecuteAsync(
            async cancellation =>
            {
                await using var transaction = await tenants.Database.BeginTransactionAsync(cancellation);
                // For a frequent word the planner reads the table from its beginning instead, and does not count what unpacking each row's words costs.
                await tenants.Database.ExecuteSqlAsync($"SET LOCAL enable_seqscan = off", cancellation);
                return await tenants.Messages
                    .Where(row => row.Search.Matches(EF.Functions.WebSearchToTsQuery(Dictionary, search).And(owner)))
                    .Select(row => new { row.ConversationId, row.Id }).Take(FewHits + 1).ToListAsync(cancellation);
            },
            cancellationToken);
        return hits.Count > FewHits ? null : hits.GroupBy(row => row.ConversationId).ToDictionary(group => group.Key, group => group.Min(row => row.Id));
    }

    private async Task<Dictionary<Guid, Guid>> FindAsync(ConversationPage page, Expression<Func<Message, bool>> has, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. page.Items.Select(item => item.Id)];
        // Not SelectMany with Take(1): that becomes a window over all messages of everybody.
        var hits = await tenants.Conversations.Where(row => ids.Contains(row.Id))
            .Select(row => new
            {
                row.Id,
                Hit = tenants.Messages.Where(has).Where(one => one.ConversationId == row.Id).Select(one => (Guid?)one.Id).FirstOrDefault(),
            })
            .ToListAsync(cancellationToken);
        return hits.Where(row => row.Hit is not null).ToDictionary(row => row.Id, row => row.Hit!.Value);
    }

    /// <summary>
    /// For the messages of one conversation after the other. Written so that the index of all words is not used: it would be read as a whole for each
    /// conversation.
    /// </summary>
    private static Expression<Func<Message, bool>> Has(string search)
    {
        var nothing = NpgsqlTsVector.Empty;
        return row => row.Search.Concat(nothing).Matches(EF.Functions.WebSearchToTsQuery(Dictionary, search));
    }

    private async Task<ConversationPage> AddSnippetsAsync(
        ConversationPage page, Dictionary<Guid, Guid> hits, string search, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. page.Items.Where(item => hits.ContainsKey(item.Id)).Select(item => hits[item.Id])];
        var snippets = await tenants.Messages.Where(row => ids.Contains(row.Id))
            .Select(row => new
            {
                row.ConversationId,
                Text = EF.Functions.WebSearchToTsQuery(Dictionary, search).GetResultHeadline(Dictionary, row.Content.Substring(0, HeadlineCharacters), HeadlineOptions),
            })
            .ToDictionaryAsync(row => row.ConversationId, row => row.Text, cancellationToken);
        return page with { Items = [.. page.Items.Select(item => item with { Snippet = snippets.GetValueOrDefault(item.Id) })] };
    }
}
