using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>
/// The statements of a summary. Each adds up tokens by what is asked for, by model and by the time between two changes of prices (the bucket): sums that are as many or more than
/// those of the summary, and far fewer than what they are made of.
/// </summary>
internal sealed class SummarySql(ReportQuery query, IReadOnlyList<ReportKey> groupBy, DateTime[] priceChanges)
{
    /// <summary>As <c>ledger.price_model</c> says. The function takes longer here; what stands in for a provider is said where the price is looked up.</summary>
    private const string PriceModel = "CASE WHEN served_model = '' THEN model_alias ELSE served_model END AS price_model";

    private readonly bool _isByUser = query.Filter.IsAboutUsers || groupBy.Contains(ReportKey.User);

    /// <summary>Whether the roll-ups of days have what is asked for. They know whole days (UTC), no operations, no outcomes, and no sources but beside the whole.</summary>
    public bool FitsDays => query.FitsRollups && query.Filter is { Operations: [], Outcomes: [], Sources: [] }
        && !groupBy.Any(key => key is ReportKey.Hour or ReportKey.Operation or ReportKey.Outcome)
        && (query.IsInUtc || !groupBy.Any(key => key is ReportKey.Day or ReportKey.Week or ReportKey.Month));

    /// <summary>Whether days as they are remembered, those of everybody, have what is asked for.</summary>
    public bool FitsMemory => FitsDays && !_isByUser && query.Filter.IsOfEverything;

    /// <summary>The roll-ups of days, of everybody, as they are: <see cref="DayRow"/>.</summary>
    public static NpgsqlCommand RowsOfDays(IReadOnlyList<DateOnly> days)
    {
        var parameters = new ReportParameters();
        return NewCommand($"SELECT {DayRow.Columns} FROM {DaySql.TableOf(isByUser: false)} WHERE {Within(Runs(days), parameters)}", parameters);
    }

    /// <summary>How many rows these are.</summary>
    /// <param name="most">It does not count further.</param>
    public static NpgsqlCommand CountOfDays(IReadOnlyList<DateOnly> days, int most)
    {
        var parameters = new ReportParameters();
        return NewCommand(
            $"""
            SELECT count(*)
            FROM (SELECT FROM {DaySql.TableOf(isByUser: false)} WHERE {Within(Runs(days), parameters)} LIMIT {parameters.Add(most, NpgsqlDbType.Integer)}) AS rows
            """,
            parameters);
    }

    /// <summary>By rows.</summary>
    public NpgsqlCommand OfRows(AsOf asOf)
    {
        var parameters = new ReportParameters();
        return Command(
            $"""
            (
                SELECT
                    created_at AS at, org_id, user_id, operation, model_alias, coalesce(provider, '') AS provider, coalesce(served_model, '') AS served_model,
                    source, outcome, 1::bigint AS calls, {RollupSql.IsEmpty}::bigint AS empty_calls, prompt_tokens, completion_tokens,
                    coalesce(cached_prompt_tokens, 0) AS cached_prompt_tokens, coalesce(cache_write_tokens, 0) AS cache_write_tokens,
                    coalesce(reasoning_tokens, 0) AS reasoning_tokens, coalesce(audio_prompt_tokens, 0) AS audio_prompt_tokens,
                    coalesce(audio_completion_tokens, 0) AS audio_completion_tokens
                FROM ledger.usage_as_of({parameters.Add(asOf.RecordedAt)})
            ) AS rows
            """,
            ReportSql.Where(query, parameters, "at"), isOfDays: false, parameters);
    }

    /// <summary>By roll-ups of hours: of the parts of the query's time that the days do not cover; null when there are none.</summary>
    public NpgsqlCommand? OfHours(IReadOnlyList<DateOnly> days)
    {
        var parameters = new ReportParameters();
        var rest = Without(days);
        return rest.Count == 0 ? null : Command(
            $"(SELECT hour AS at, * FROM ledger.{(_isByUser ? "usage_rollup_user" : "usage_rollup_org")}) AS rollup",
            $"{ReportSql.Where(query, parameters, "at")} AND {Within(rest, parameters)}", isOfDays: false, parameters);
    }

    /// <summary>By roll-ups of days.</summary>
    public NpgsqlCommand OfDays(IReadOnlyList<DateOnly> days)
    {
        var parameters = new ReportParameters();
        return Command(
            $"{DaySql.TableOf(_isByUser)} AS rollup", $"{ReportSql.Where(query, parameters, "at")} AND {Within(Runs(days), parameters)}", isOfDays: true, parameters);
    }

    /// <summary>The columns of a key. A local hour may come twice, with another offset.</summary>
    private static IEnumerable<(string Name, string Value)> Columns(ReportKey key, int index, string zone)
    {
        yield return ($"key{index}", key switch
        {
            ReportKey.Hour or ReportKey.Day or ReportKey.Week or ReportKey.Month =>
                $"date_trunc('{key.ToString().ToLowerInvariant()}', at AT TIME ZONE {zone})",
            ReportKey.Model => "model_alias",
            ReportKey.Provider => "provider",
            ReportKey.ServedModel => "served_model",
            ReportKey.User => "user_id",
            ReportKey.Organisation => "org_id",
            ReportKey.Operation => "operation",
            ReportKey.Outcome => "outcome",
            _ => throw new ArgumentOutOfRangeException(nameof(key), key, "There is no such key."),
        });
        if (key == ReportKey.Hour)
        {
            yield return ($"offset{index}", $"(at AT TIME ZONE {zone}) - (at AT TIME ZONE 'UTC')");
        }
    }

    private NpgsqlCommand Command(string source, string where, bool isOfDays, ReportParameters parameters)
    {
        var zone = parameters.Add(query.Zone, NpgsqlDbType.Text);
        var bucket = priceChanges.Length == 0 ? "0" : $"width_bucket(at, {parameters.Add(priceChanges, NpgsqlDbType.Array | NpgsqlDbType.TimestampTz)})";
        // What is as fine as the days' own roll-ups is not added up here: it would be as many sums again. Nor are parts of a day told from the day.
        var isAsFine = isOfDays && !_isByUser && groupBy.Contains(ReportKey.Day) && groupBy.Contains(ReportKey.Model) && groupBy.Contains(ReportKey.Organisation);
        var keys = groupBy.SelectMany((key, index) => isAsFine && key == ReportKey.Day ? [($"key{index}", "at")] : Columns(key, index, zone)).ToList();
        var columns = string.Join(", ", [.. keys.Select(key => $"{key.Value} AS {key.Name}"), $"{bucket} AS bucket", "provider", PriceModel]);
        var sums = isOfDays ? isAsFine ? DaySql.Values : DaySql.Totals : $"source, {RollupSql.Totals}";
        var groups = isAsFine ? "" : "GROUP BY " + string.Join(", ", [.. keys.Select(key => key.Name), "bucket", "provider", "price_model", .. isOfDays ? (string[])[] : ["source"]]);
        return NewCommand($"SELECT {columns}, {sums} FROM {source} WHERE {where} {groups}", parameters);
    }

    private static NpgsqlCommand NewCommand(string text, ReportParameters parameters)
    {
        var command = new NpgsqlCommand(text);
        command.Parameters.AddRange(parameters.All.ToArray());
        return command;
    }

    private static string Within(IEnumerable<(DateTimeOffset From, DateTimeOffset To)> parts, ReportParameters parameters) =>
        $"({string.Join(" OR ", parts.Select(part => $"at >= {parameters.Add(part.From)} AND at < {parameters.Add(part.To)}"))})";

    /// <summary>Days that follow one another are one time.</summary>
    private static List<(DateTimeOffset From, DateTimeOffset To)> Runs(IReadOnlyList<DateOnly> days)
    {
        List<(DateTimeOffset From, DateTimeOffset To)> runs = [];
        foreach (var start in days.Select(day => new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero)))
        {
            if (runs is [.., var last] && last.To == start)
            {
                runs[^1] = (last.From, start.AddDays(1));
            }
            else
            {
                runs.Add((start, start.AddDays(1)));
            }
        }

        return runs;
    }

    /// <summary>What is left of the query's time.</summary>
    private List<(DateTimeOffset From, DateTimeOffset To)> Without(IReadOnlyList<DateOnly> days)
    {
        List<(DateTimeOffset From, DateTimeOffset To)> rest = [];
        var from = query.From;
        foreach (var run in Runs(days))
        {
            if (from < run.From)
            {
                rest.Add((from, run.From));
            }

            from = run.To;
        }

        if (from < query.To)
        {
            rest.Add((from, query.To));
        }

        return rest;
    }
}
