using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Playwright;
using Npgsql;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>What makes something to report, and reads what the pages say.</summary>
internal static class ReportSteps
{
    /// <summary>All numbers of a page.</summary>
    public static async Task<IReadOnlyList<ShownFigure>> FiguresAsync(this IPage page) => JsonSerializer.Deserialize<ShownFigure[]>(
        await page.EvaluateAsync<string>("""
            () => JSON.stringify([...document.querySelectorAll('data[data-figure]')].map(data => {
                const table = data.closest('[data-testid]');
                const row = data.closest('tr');
                return {
                    table: table.dataset.testid, part: table.dataset.chart ?? table.dataset.by ?? '', key: data.closest('[data-key]')?.dataset.key ?? '',
                    row: [row?.dataset.day, row?.dataset.provider, row?.dataset.model, row?.dataset.gatewayCallId, row?.dataset.name].filter(part => part != null).join(' '),
                    name: data.dataset.figure, value: data.getAttribute('value') };
            }))
            """),
        JsonSerializerOptions.Web)!;

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
        await page.WaitForFunctionAsync("document.querySelector('[data-testid=invoice-file]')?._blazorInputFileNextFileId !== undefined");
        await page.GetByTestId("invoice-file").SetInputFilesAsync(new FilePayload { Name = name, MimeType = "text/csv", Buffer = Encoding.UTF8.GetBytes(csv) });
        await page.GetByTestId("done").GetByText(name).WaitForAsync();
    }

    public static string Day(this DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}

/// <summary>A number on a page: in which table, of which part of it, in which row, and what it is called.</summary>
internal sealed record ShownFigure(string Table, string Part, string Key, string Row, string Name, string Value)
{
    /// <summary>Null where nothing is known.</summary>
    public decimal? Number => Value.Length == 0 ? null : decimal.Parse(Value, NumberStyles.Float, CultureInfo.InvariantCulture);
}
