using Npgsql;

namespace LlmAspire.Usage;

/// <summary>A row of <c>ledger.usage_day_org</c>. The names are empty where the gateway did not tell.</summary>
/// <param name="At">UTC: the day's start, or when the model got another price in the middle of it.</param>
internal sealed record DayRow(
    DateTime At, Guid OrgId, string Model, string Provider, string ServedModel, long Calls, long EmptyCalls, ClassTokens Tokens, ClassTokens Estimated, ClassTokens Partial)
{
    /// <summary>What <see cref="Read"/> reads.</summary>
    public static string Columns { get; } = $"at, {DaySql.OrgKeys}, {DaySql.Values}";

    /// <param name="names">The same few come again and again: each is kept once.</param>
    public static DayRow Read(NpgsqlDataReader reader, Dictionary<string, string> names)
    {
        var column = 0;
        return new DayRow(
            reader.GetDateTime(column++), reader.GetGuid(column++), Name(), Name(), Name(), reader.GetInt64(column++), reader.GetInt64(column++),
            ClassTokens.Read(reader, ref column), ClassTokens.Read(reader, ref column), ClassTokens.Read(reader, ref column));

        string Name()
        {
            var name = reader.GetString(column++);
            return names.TryGetValue(name, out var known) ? known : names[name] = name;
        }
    }
}
