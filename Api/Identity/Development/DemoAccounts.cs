using LlmAspire.Api.Identity.Data;

namespace LlmAspire.Api.Identity.Development;

/// <summary>The accounts that exist in Development, and nowhere else.</summary>
internal static class DemoAccounts
{
    public const string Password = "Demo-1234!";

    /// <summary>A fixed time, so that every process makes the same rows.</summary>
    private static readonly DateTimeOffset Since = new(2025, 3, 1, 0, 0, 0, TimeSpan.Zero);

    public static readonly Organisation Demo = Found("0195f000-0000-7000-8000-00000000de30", "Demo", Plan.Pro);

    public static readonly Organisation Rival = Found("0195f000-0000-7000-8000-00000000de31", "Rival", Plan.Pro);

    public static IReadOnlyList<Organisation> Organisations { get; } = [Demo, Rival];

    public static IReadOnlyList<DemoAccount> All { get; } =
    [
        new("basic", new("0195f000-0000-7000-8000-0000000000b1"), Demo, Plan.Basic, Role.Member),
        new("pro", new("0195f000-0000-7000-8000-0000000000b2"), Demo, Plan.Pro, Role.Admin),
        new("enterprise", new("0195f000-0000-7000-8000-0000000000b3"), Demo, Plan.Enterprise, Role.Member),
        new("operator", new("0195f000-0000-7000-8000-0000000000b4"), Demo, Plan.Enterprise, Role.Member, IsOperator: true),
        new("rival", new("0195f000-0000-7000-8000-0000000000b5"), Rival, Plan.Pro, Role.Admin),
    ];

    private static Organisation Found(string id, string name, Plan plan) => new() { Id = new(id), Name = name, Plan = plan, CreatedAt = Since };
}

/// <param name="Name">What comes before <c>@demo.local</c>.</param>
internal sealed record DemoAccount(string Name, Guid Id, Organisation Organisation, Plan Plan, Role Role, bool IsOperator = false)
{
    /// <summary>A new row; Identity changes the one that it is given.</summary>
    public Account ToAccount()
    {
        var account = Account.Create($"{Name}@demo.local", Organisation.Id, Role, Organisation.CreatedAt);
        account.Id = Id;
        account.IsOperator = IsOperator;
        account.Plan = Plan == Organisation.Plan ? null : Plan;
        return account;
    }
}
