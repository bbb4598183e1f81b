using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Playwright;
using Npgsql;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>What makes something to report, and reads what the pages say.</summary>
internal static class ReportSteps
{
    /// <summary>All numbers of a page, each of which says in words what it is.</summary>
    public static async Task<IReadOnlyList<ShownFigure>> FiguresAsync(this IPage page)
    {
        var figures = JsonSerializer.Deserialize<ShownFigure[]>(
            await page.EvaluateAsync<string>("""
                () => JSON.stringify([...document.querySelectorAll('data[data-figure]')].map(data => {
                    const table = data.closest('[data-testid]:not(tr)');
                    const row = data.closest('tr');
                    return {
                        table: table.dataset.testid, part: table.dataset.chart ?? table.dataset.by ?? '', key: data.closest('[data-key]')?.dataset.key ?? '',
                        row: [row?.dataset.day, row?.dataset.provider, row?.dataset.model, row?.dataset.gatewayCallId, row?.dataset.callId, row?.dataset.name].filter(part => part != null).join(' '),
                        name: data.dataset.figure, value: data.getAttribute('value'), text: data.textContent };
                }))
                """),
            JsonSerializerOptions.Web)!;
        Assert.All(figures, figure => Assert.True(figure.IsWrittenAsItIs(), $"{figure}"));
        return figures;
    }

    /// <summary>Each instant of a page says in words what it is, in a zone.</summary>
    public static async Task CheckTimesAsync(this IPage page, string zone)
    {
        var clock = TimeZoneInfo.FindSystemTimeZoneById(zone);
        var times = await page.EvaluateAsync<string[]>("() => [...document.querySelectorAll('time[datetime]')].map(time => time.getAttribute('datetime') + '|' + time.textContent)");
        Assert.All(times, time =>
        {
            var (instant, text) = (DateTimeOffset.Parse(time.Split('|')[0], CultureInfo.InvariantCulture), time.Split('|')[1]);
            Assert.Contains(text, new[] { "d MMM yyyy", "d MMM yyyy HH:mm", "d MMM yyyy HH:mm:ss" }.Select(format => TimeZoneInfo.ConvertTime(instant, clock).ToString(format, CultureInfo.InvariantCulture)));
        });
    }

    /// <summary>Each row of a table begins with the words of what it is of.</summary>
    /// <param name="rows">Selects the rows.</param>
    /// <param name="words">Of a row <c>row</c>, in JavaScript.</param>
    public static async Task CheckRowsAsync(this IPage page, string rows, string words)
    {
        var wrong = await page.EvaluateAsync<string[]>(
            $"() => [...document.querySelectorAll('{rows}')].filter(row => !row.cells[0].innerText.trim().startsWith({words})).map(row => row.innerText)");
        Assert.Empty(wrong);
    }

    /// <summary>Sends messages, some of which the gateway logs otherwise than it answers them.</summary>
    /// <param name="faults">Of the demo gateway, one message each.</param>
    public static async Task ChatAsync(this IPage page, params string[] faults)
    {
        for (var sent = 0; sent < faults.Length; sent++)
        {
            await page.GetByTestId("message-input").FillAsync($"Explain rain <<demo length=40 pace=0 {faults[sent]}>>");
            await page.GetByTestId("send").ClickAsync();
            await page.Locator("[data-testid=answer][data-state=done]").Nth(sent).WaitForAsync();
        }
    }

    /// <summary>Waits until SQL says true.</summary>
    public static async Task WaitForAsync(this NpgsqlConnection database, string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, database);
        command.Parameters.AddRange(parameters.Select(value => new NpgsqlParameter { Value = value }).ToArray());
        while (await command.ExecuteScalarAsync(cancellationToken) is not true)
        {
            await Task.Delay(50, cancellationToken);
        }
    }

    /// <summary>What SQL gives, row by row.</summary>
    public static async Task<List<object?[]>> ReadAsync(this NpgsqlConnection database, string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, database);
        command.Parameters.AddRange(parameters.Select(value => new NpgsqlParameter { Value = value }).ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<object?[]> rows = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            var row = new object[reader.FieldCount];
            reader.GetValues(row);
            rows.Add([.. row.Select(value => value is DBNull ? null : value)]);
        }

        return rows;
    }

    /// <summary>Imports an invoice on the page of reconciliation, where somebody is.</summary>
    public static async Task ImportInvoiceAsync(this IPage page, string name, IEnumerable<string> lines)
    {
        var csv = string.Join('\n', ["day,provider,model,prompt_tokens,completion_tokens,cost_usd,calls", .. lines, ""]);
        // Before Blazor has taken the input, nobody hears of a choice.
        await page.WaitForFunctionAsync("() => document.querySelector('[data-testid=invoice-file]')?._blazorInputFileNextFileId !== undefined");
        await page.GetByTestId("invoice-file").SetInputFilesAsync(new FilePayload { Name = name, MimeType = "text/csv", Buffer = Encoding.UTF8.GetBytes(csv) });
        await page.GetByTestId("done").GetByText(name).WaitForAsync();
    }

    public static string Day(this DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}

/// <summary>A number on a page: in which table, of which part of it, in which row, what it is called, and what a person reads.</summary>
internal sealed record ShownFigure(string Table, string Part, string Key, string Row, string Name, string Value, string Text)
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    /// <summary>Null where nothing is known.</summary>
    public decimal? Number => Value.Length == 0 ? null : decimal.Parse(Value, NumberStyles.Float, CultureInfo.InvariantCulture);

    /// <summary>Whether what a person reads is the number, rounded to the digits that are there.</summary>
    public bool IsWrittenAsItIs()
    {
        if (Number is not { } number)
        {
            return Text == "–";
        }

        if (Text == "<\u00a00.1\u00a0%")
        {
            return number is > 0 and < 0.001m;
        }

        var (isNegative, digits) = (Text.StartsWith('−'), string.Concat(Text.Where(Digits.Contains)));
        var point = digits.IndexOf('.', StringComparison.Ordinal);
        var unit = Text.EndsWith('%') ? 0.01m : Text.EndsWith(" s", StringComparison.Ordinal) ? 1000m : 1m;
        var read = decimal.Parse(digits, CultureInfo.InvariantCulture) * unit;
        // Half of the last digit.
        var most = 0.5m * unit * (point < 0 ? 1m : (decimal)Math.Pow(10, point + 1 - digits.Length));
        return Math.Abs((isNegative ? -read : read) - number) <= most && Text.Contains('$', StringComparison.Ordinal) == (Part == "cost" || Name.EndsWith("Usd", StringComparison.Ordinal));
    }
}
