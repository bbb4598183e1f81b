namespace LlmAspire.Usage;

/// <summary>
/// What keeps a table from growing for ever. Each table of the database has one of these; a test compares them with the database, and with the list in
/// docs/configuration.md.
/// </summary>
/// <param name="Name">With its schema.</param>
/// <param name="Bound">What bounds it, for people: a setting, or the reason.</param>
internal sealed record TableBound(string Name, string Bound)
{
    /// <summary>Of a table whose rows are deleted by age: a condition in SQL, whether a row is older than the time $1. Null when rows are not deleted by age.</summary>
    public string? IsOld { get; init; }
}
