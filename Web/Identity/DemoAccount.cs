namespace LlmAspire.Web.Identity;

/// <summary>An account that the Api has in Development, and nowhere else.</summary>
internal sealed record DemoAccount(string Name, string Facts)
{
    public const string Password = "Demo-1234!";

    public string Email => $"{Name}@demo.local";

    public static IReadOnlyList<DemoAccount> All { get; } =
    [
        new("pro", "Demo, admin, pro plan"),
        new("basic", "Demo, basic plan"),
        new("enterprise", "Demo, enterprise plan"),
        new("operator", "runs the installation"),
        new("rival", "another organisation"),
    ];
}
