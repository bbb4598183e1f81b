using System.Globalization;

namespace LlmAspire.Api.Reconciliation;

/// <summary>What is asked of <c>GET /reconciliation</c>: days (UTC) from the first up to the last, which is not included.</summary>
internal sealed record ReconciliationQuery(DateOnly From, DateOnly To, bool Gateway, bool Invoice)
{
    private const int MostDays = 366;
    private const int UsualDays = 30;
    private const string DayForm = "A day is written as 2026-11-22, and is a day in UTC.";

    private static readonly DateOnly Earliest = new(2000, 1, 1);
    private static readonly DateOnly Latest = new(9999, 1, 1);

    /// <returns>The query; null when there are errors, by parameter.</returns>
    public static ReconciliationQuery? Read(string? from, string? to, string? source, DateOnly today, Dictionary<string, string[]> errors)
    {
        var until = Day("to", to, errors) ?? today.AddDays(1);
        var since = Day("from", from, errors) ?? until.AddDays(-UsualDays);
        if (errors.Count == 0 && (since >= until || until.DayNumber - since.DayNumber > MostDays))
        {
            errors["from"] = [$"from is before to, by {MostDays} days at most; to is not included."];
        }

        if (source is not (null or "" or "gateway" or "invoice"))
        {
            errors["source"] = ["The source is gateway or invoice; without it, both."];
        }

        return errors.Count > 0 ? null : new ReconciliationQuery(since, until, source != "invoice", source != "gateway");
    }

    /// <returns>Null when it is missing, or an error.</returns>
    public static DateOnly? Day(string name, string? text, Dictionary<string, string[]> errors)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day >= Earliest && day <= Latest)
        {
            return day;
        }

        errors[name] = [DayForm];
        return null;
    }
}
