using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace LlmAspire.Usage;

/// <summary>
/// Reads a provider's invoice as CSV. Columns may come in any order; <c>calls</c> may be missing, others are passed over:
/// <code>
/// day,provider,model,prompt_tokens,completion_tokens,cost_usd,calls
/// 2026-11-22,openai,gpt-6-luna,120000,34000,0.098,410
/// </code>
/// </summary>
internal static class InvoiceFile
{
    public const int MostLines = 100_000;

    private const int MostProblems = 100;
    private const int MostNameLength = 500;
    private const long MostTokens = 1_000_000_000_000_000;
    private const decimal MostUsd = 1_000_000_000m;
    private const int MostDecimals = 12;

    private const string Calls = "calls";

    private static readonly string[] Required = ["day", "provider", "model", "prompt_tokens", "completion_tokens", "cost_usd"];

    private static readonly DateOnly Earliest = new(2000, 1, 1);

    /// <param name="today">No invoice is of a later day.</param>
    /// <exception cref="InvoiceRefusedException">Says what is wrong, up to a hundred times.</exception>
    public static async Task<IReadOnlyList<InvoiceLine>> ReadAsync(TextReader text, DateOnly today, CancellationToken cancellationToken)
    {
        var problems = new List<InvoiceProblem>();
        var configuration = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            TrimOptions = TrimOptions.Trim,
            PrepareHeaderForMatch = header => header.Header.Trim().ToLowerInvariant(),
            BadDataFound = bad => problems.Add(new InvoiceProblem(
                bad.Context.Parser!.RawRow, null, "quotes_invalid", "There is a quotation mark within a value: put the value in quotation marks, and double those within.")),
            MissingFieldFound = null,
        };
        using var csv = new CsvReader(text, configuration);
        var lines = new List<InvoiceLine>();
        var known = new Dictionary<(DateOnly, string, string), int>();
        if (!await csv.ReadAsync() || !csv.ReadHeader())
        {
            throw new InvoiceRefusedException([new InvoiceProblem(1, null, "empty", $"The file is empty. Its first line names the columns: {string.Join(',', Required)}.")]);
        }

        foreach (var column in (string[])[.. Required, Calls])
        {
            var times = csv.HeaderRecord!.Count(header => header.Trim().Equals(column, StringComparison.OrdinalIgnoreCase));
            if (times > 1)
            {
                problems.Add(new InvoiceProblem(1, column, "column_repeated", $"The first line names the column {column} {(times == 2 ? "twice" : $"{times} times")}. Name it once."));
            }
            else if (times == 0 && column != Calls)
            {
                problems.Add(new InvoiceProblem(1, column, "column_missing", $"The first line must name the column {column}. The columns are {string.Join(',', Required)} and calls, parted by commas."));
            }
        }

        if (problems.Count > 0)
        {
            throw new InvoiceRefusedException(problems);
        }

        while (problems.Count < MostProblems && await csv.ReadAsync())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (lines.Count == MostLines)
            {
                problems.Add(new InvoiceProblem(csv.Parser.RawRow, null, "too_many_lines", $"A file has at most {MostLines} lines: import it in parts."));
                break;
            }

            var found = problems.Count;
            if (Read(csv, today, problems) is { } line && problems.Count == found)
            {
                if (known.TryAdd((line.Day, line.Provider, line.Model), line.Line))
                {
                    lines.Add(line);
                }
                else
                {
                    problems.Add(new InvoiceProblem(
                        line.Line, null, "repeated", $"Line {known[(line.Day, line.Provider, line.Model)]} has the same day, provider and model: add them up."));
                }
            }
        }

        if (problems.Count == 0 && lines.Count == 0)
        {
            problems.Add(new InvoiceProblem(1, null, "empty", "The file has no lines below its first."));
        }

        return problems.Count == 0 ? lines : throw new InvoiceRefusedException(problems);
    }

    private static InvoiceLine? Read(CsvReader csv, DateOnly today, List<InvoiceProblem> problems)
    {
        var number = csv.Parser.RawRow;
        var day = Day(csv, today, problems);
        var provider = Name(csv, "provider", problems);
        var model = Name(csv, "model", problems);
        var calls = csv.TryGetField<string>(Calls, out var told) && !string.IsNullOrEmpty(told) ? Count(csv, Calls, problems) : null;
        var prompt = Count(csv, "prompt_tokens", problems);
        var completion = Count(csv, "completion_tokens", problems);
        var cost = Cost(csv, problems);
        return day is null || provider is null || model is null || prompt is null || completion is null || cost is null
            ? null
            : new InvoiceLine(number, day.Value, provider, model, calls, prompt.Value, completion.Value, cost.Value);
    }

    private static DateOnly? Day(CsvReader csv, DateOnly today, List<InvoiceProblem> problems)
    {
        var text = csv.GetField("day");
        if (!DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            return Refuse<DateOnly>(csv, "day", "day_invalid", "Write the day as 2026-11-22.", problems);
        }

        return day < Earliest || day > today ? Refuse<DateOnly>(csv, "day", "day_impossible", "The day is before 2000 or has not come yet.", problems) : day;
    }

    private static string? Name(CsvReader csv, string column, List<InvoiceProblem> problems)
    {
        var name = csv.GetField(column);
        if (!string.IsNullOrEmpty(name) && name.Length <= MostNameLength && !name.Contains('\0', StringComparison.Ordinal))
        {
            return name;
        }

        problems.Add(new InvoiceProblem(
            csv.Parser.RawRow, column, "name_invalid", $"Give the {column} as GET /prices and the reports name it, in 1 to {MostNameLength} characters."));
        return null;
    }

    private static long? Count(CsvReader csv, string column, List<InvoiceProblem> problems) =>
        long.TryParse(csv.GetField(column), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count < MostTokens
            ? count
            : Refuse<long>(csv, column, "number_invalid", "Write a whole number, 0 or more, of digits alone.", problems);

    private static decimal? Cost(CsvReader csv, List<InvoiceProblem> problems) =>
        decimal.TryParse(csv.GetField("cost_usd"), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var cost)
            && cost <= MostUsd && cost.Scale <= MostDecimals
            ? cost
            : Refuse<decimal>(csv, "cost_usd", "cost_invalid", $"Write the cost in USD as 12.345, 0 or more, with at most {MostDecimals} decimals and no sign of a currency.", problems);

    private static T? Refuse<T>(CsvReader csv, string column, string code, string message, List<InvoiceProblem> problems)
        where T : struct
    {
        problems.Add(new InvoiceProblem(csv.Parser.RawRow, column, code, message));
        return null;
    }
}
