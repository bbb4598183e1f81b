namespace LlmAspire.Usage;

/// <summary>Whose calls a report is of, and which. An empty list does not filter.</summary>
public sealed record ReportFilter
{
    /// <summary>Nothing of other organisations is read; null for all of them.</summary>
    public Guid? OrgId { get; init; }

    /// <summary>Nothing of other people is read; null for all of them.</summary>
    public Guid? UserId { get; init; }

    public IReadOnlyList<Guid> Orgs { get; init; } = [];

    public IReadOnlyList<Guid> Users { get; init; } = [];

    /// <summary>Aliases.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    public IReadOnlyList<string> Providers { get; init; } = [];

    public IReadOnlyList<string> ServedModels { get; init; } = [];

    public IReadOnlyList<UsageOperation> Operations { get; init; } = [];

    public IReadOnlyList<UsageOutcome> Outcomes { get; init; } = [];

    public IReadOnlyList<UsageSource> Sources { get; init; } = [];

    /// <summary>For lists of calls only: the roll-ups do not know it.</summary>
    public Guid? ConversationId { get; init; }

    /// <inheritdoc cref="ConversationId"/>
    public Guid? RequestId { get; init; }

    /// <summary>Whether it leaves nothing out.</summary>
    internal bool IsOfEverything => this is
    {
        OrgId: null, UserId: null, Orgs: [], Users: [], Models: [], Providers: [], ServedModels: [], Operations: [], Outcomes: [], Sources: [],
        ConversationId: null, RequestId: null,
    };

    internal bool IsAboutUsers => UserId is not null || Users.Count > 0;
}
