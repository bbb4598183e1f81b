namespace LlmAspire.Usage;

/// <summary>
/// Names that others gave, as long as the keys of the roll-ups take them: PostgreSQL indexes 2,704 bytes of a row at most, and there are three names in a key.
/// </summary>
internal static class NameSql
{
    /// <summary>The column, of at most 800 bytes: a character has four at most.</summary>
    public static string Cut(string column) => $"CASE WHEN octet_length({column}) > 800 THEN left({column}, 200) ELSE {column} END";
}
