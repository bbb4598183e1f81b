using System.Globalization;
using System.Text;
using System.Text.Json;
using LlmAspire.TestPostgres;
using LlmAspire.Usage.Tests.Prices;

namespace LlmAspire.Usage.Tests.Reports;

/// <summary>Single calls: in pages, one by one, and all of them in a file.</summary>
public class UsageCallsTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task pages_have_every_call_once_also_while_calls_come()
    {
        await using var host = await NewHostAsync();
        var usage = await ReportedUsage.IngestAsync(host, seed: 1, calls: 120);
        var before = usage.Calls.ToList();
        var newest = before.Max(call => call.CreatedAt);
        List<ReportedCall> read = [];
        CallCursor? after = null;
        do
        {
            var page = await host.Calls.ListAsync(ReportedUsage.Query(), after, 50, Cancellation);
            read.AddRange(page.Calls);
            after = page.Next;
            await host.PutAsync([Events.Plain(Guid.CreateVersion7(newest.AddMinutes(1)))]);
            await host.IngestAllAsync();
        }
        while (after is not null);

        Assert.Equal(before.OrderByDescending(call => call.CreatedAt).ThenByDescending(call => call.Id.ToString()).Select(call => call.Id), read.Select(call => call.Id));
        Assert.All(read, call =>
        {
            var one = before.Single(other => other.Id == call.Id);
            Assert.Equal((one.PromptTokens, one.CompletionTokens, one.ModelAlias, one.Provider), (call.PromptTokens, call.CompletionTokens, call.Model, call.Provider));
            Assert.Equal(usage.CostOf(one), call.CostUsd);
            Assert.Equal(call.CostUsd is null, call.Unpriced);
        });
    }

    [Fact]
    public async Task the_costs_of_the_classes_add_up_to_the_calls()
    {
        await using var host = await NewHostAsync();
        var usage = await ReportedUsage.IngestAsync(host, seed: 2, calls: 60);
        var priced = 0;
        foreach (var call in usage.Calls)
        {
            var story = (await host.Calls.FindAsync(call.Id, new ReportFilter(), null, Cancellation))!;

            Assert.Equal(call.Id, story.Call.Id);
            Assert.Equal(call.PromptTokens + call.CompletionTokens, story.CostByClass.Sum(one => one.Tokens));
            Assert.Equal(usage.CostOf(call), story.Call.Unpriced ? null : story.CostByClass.Sum(one => one.CostUsd ?? 0));
            priced += story.Call.CostUsd > 0 ? 1 : 0;
        }

        Assert.True(priced > 5);
    }

    [Fact]
    public async Task a_call_is_told_with_those_of_its_request_to_whom_it_belongs_only()
    {
        await using var host = await NewHostAsync();
        var call = Events.Plain() with { OrgId = Guid.NewGuid(), UserId = Guid.NewGuid(), RequestId = Guid.NewGuid() };
        var tool = call with { Id = Guid.CreateVersion7() };
        await host.PutAsync([call, tool, Events.Plain()]);
        await host.IngestAllAsync();

        var story = (await host.Calls.FindAsync(call.Id, new ReportFilter { OrgId = call.OrgId, UserId = call.UserId }, null, Cancellation))!;

        Assert.Equal([tool.Id], story.SameRequest.Select(one => one.Id));
        Assert.Null(await host.Calls.FindAsync(call.Id, new ReportFilter { OrgId = Guid.NewGuid() }, null, Cancellation));
        Assert.Null(await host.Calls.FindAsync(call.Id, new ReportFilter { OrgId = call.OrgId, UserId = Guid.NewGuid() }, null, Cancellation));
        Assert.Null(await host.Calls.FindAsync(Guid.NewGuid(), new ReportFilter(), null, Cancellation));
    }

    [Fact]
    public async Task a_file_has_every_call_with_its_cost()
    {
        await using var host = await NewHostAsync();
        var usage = await ReportedUsage.IngestAsync(host, seed: 3);
        var query = ReportedUsage.Query() with { Filter = new ReportFilter { Models = ["a|b, \"c\"", "large"], Outcomes = [UsageOutcome.Completed, UsageOutcome.Failed] } };
        var calls = usage.Calls.Where(call => query.Filter.Models.Contains(call.ModelAlias) && query.Filter.Outcomes.Contains(call.Outcome))
            .OrderBy(call => call.CreatedAt).ThenBy(call => call.Id.ToString()).ToList();

        var lines = (await ExportAsync(host, query, ExportFormat.JsonLines)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var table = ParseCsv(await ExportAsync(host, query, ExportFormat.Csv));

        Assert.Equal(calls.Select(call => call.Id), lines.Select(line => JsonElement.Parse(line).GetProperty("id").GetGuid()));
        Assert.All(lines.Zip(calls), pair =>
        {
            var line = JsonElement.Parse(pair.First);
            Assert.Equal(pair.Second.ModelAlias, line.GetProperty("model").GetString());
            Assert.Equal(usage.CostOf(pair.Second), line.GetProperty("costUsd") is { ValueKind: JsonValueKind.Number } cost ? cost.GetDecimal() : null);
        });
        var (id, model, cost, at) = (table[0].IndexOf("id"), table[0].IndexOf("model"), table[0].IndexOf("cost_usd"), table[0].IndexOf("created_at"));
        Assert.Equal(calls.Select(call => $"{call.Id}"), table.Skip(1).Select(row => row[id]));
        Assert.Equal(calls.Select(call => call.ModelAlias), table.Skip(1).Select(row => row[model]));
        Assert.Equal(
            calls.Select(usage.CostOf), table.Skip(1).Select(row => row[cost].Length == 0 ? (decimal?)null : decimal.Parse(row[cost], CultureInfo.InvariantCulture)));
        Assert.Equal(calls.Select(call => call.CreatedAt), table.Skip(1).Select(row => DateTimeOffset.Parse(row[at], CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("=1+1")]
    [InlineData("@sum")]
    [InlineData("-2")]
    [InlineData("'; DROP TABLE ledger.llm_usage; --")]
    [InlineData("line\nbreak")]
    public async Task a_name_is_neither_a_formula_nor_a_statement(string name)
    {
        await using var host = await NewHostAsync();
        var call = Events.Plain(Guid.CreateVersion7(RandomUsage.Start)) with { ModelAlias = name };
        await host.PutAsync([call]);
        await host.IngestAllAsync();
        var query = ReportedUsage.Query() with { Filter = new ReportFilter { Models = [name] } };

        var table = ParseCsv(await ExportAsync(host, query, ExportFormat.Csv));
        var line = JsonElement.Parse(await ExportAsync(host, query, ExportFormat.JsonLines));

        var cell = Assert.Single(table.Skip(1))[table[0].IndexOf("model")];
        Assert.Equal(name[0] is '=' or '@' or '-' ? $"'{name}" : name, cell);
        Assert.Equal(name, line.GetProperty("model").GetString());
    }

    [Fact]
    public async Task a_file_is_of_its_pin()
    {
        await using var host = await NewHostAsync();
        var usage = await ReportedUsage.IngestAsync(host, seed: 4, calls: 50);
        var query = ReportedUsage.Query();
        var pinned = query with { AsOf = await host.Export.PinAsync(query, Cancellation) };
        var first = await ExportAsync(host, pinned, ExportFormat.Csv);

        await usage.AddCallsAsync(host, 20);
        await usage.ChangePricesAsync(host);

        Assert.Equal(first, await ExportAsync(host, pinned, ExportFormat.Csv));
        Assert.NotEqual(first, await ExportAsync(host, query, ExportFormat.Csv));
    }

    private static async Task<string> ExportAsync(LedgerHost host, ReportQuery query, ExportFormat format)
    {
        using var file = new MemoryStream();
        await host.Export.WriteAsync(query with { AsOf = await host.Export.PinAsync(query, Cancellation) }, format, file, Cancellation);
        return Encoding.UTF8.GetString(file.ToArray());
    }

    private static List<List<string>> ParseCsv(string text)
    {
        List<List<string>> rows = [[]];
        var cell = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '"' when quoted && i + 1 < text.Length && text[i + 1] == '"':
                    cell.Append(text[i++]);
                    break;
                case '"':
                    quoted = !quoted;
                    break;
                case ',' or '\n' when !quoted:
                    rows[^1].Add(cell.ToString());
                    cell.Clear();
                    if (text[i] == '\n')
                    {
                        rows.Add([]);
                    }

                    break;
                default:
                    cell.Append(text[i]);
                    break;
            }
        }

        rows.RemoveAt(rows.Count - 1);
        return rows;
    }

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
}
