using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmAspire.EmbeddedPostgres;
using LlmAspire.Usage;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Spectre.Console;

namespace LlmAspire.Benchmarks;

/// <summary>How long reports of a month with many calls take, over HTTP, one after the other, from the request to the last byte of the answer.</summary>
internal sealed class ReportBenchmark(ApiProcess api, IAnsiConsole console)
{
    private const int WarmUps = 10;
    private const int Times = 40;
    private const int DeepPages = 20;

    private static readonly string Month = $"from={SampleUsage.Start:yyyy-MM-dd}&to={SampleUsage.End:yyyy-MM-dd}";

    public static async Task RunAsync(int count, IAnsiConsole console)
    {
        var folder = Directory.CreateTempSubdirectory("llmaspire-benchmarks-").FullName;
        try
        {
            await using var server = await PostgresServer.StartAsync(
                new PostgresServerOptions { DataDirectory = Path.Combine(folder, "postgres"), Password = Guid.NewGuid().ToString("N"), Throwaway = true, Durable = false },
                NullLogger.Instance);
            await server.EnsureDatabaseAsync("llm");
            await using var api = await ApiProcess.StartAsync(server.ConnectionStringFor("llm"), Path.Combine(folder, "spool"));
            await using var source = NpgsqlDataSource.Create(server.ConnectionStringFor("llm"));
            console.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- reports {count}");
            console.WriteLine($"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors, {RuntimeInformation.FrameworkDescription}, everything on this machine");
            using var client = await api.SignInAsync("pro");
            var me = await client.GetFromJsonAsync<JsonElement>("/identity/me");
            var begun = Stopwatch.GetTimestamp();
            await new SampleUsage(source, count).FillAsync(me.GetProperty("organisation").GetProperty("id").GetGuid(), me.GetProperty("id").GetGuid());
            await using var sums = source.CreateCommand(
                """
                SELECT
                    (SELECT count(*) FROM ledger.usage_rollup_org), (SELECT count(*) FROM ledger.usage_rollup_user), (SELECT count(*) FROM ledger.usage_day_org),
                    (SELECT count(*) FROM ledger.usage_day_user)
                """);
            await using (var reader = await sums.ExecuteReaderAsync())
            {
                await reader.ReadAsync();
                console.WriteLine(
                    $"{count:N0} calls; roll-ups of hours: {reader.GetInt64(0):N0} by organisation, {reader.GetInt64(1):N0} by user; of days: {reader.GetInt64(2):N0} and {reader.GetInt64(3):N0}; filled in {Stopwatch.GetElapsedTime(begun).TotalSeconds:0} s");
            }

            await new ReportBenchmark(api, console).MeasureAsync(count);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task MeasureAsync(int count)
    {
        using var operators = await api.SignInAsync("operator");
        using var person = await api.SignInAsync("pro");
        var table = new Table { Title = new TableTitle($"{count:N0} calls of 30 days, {Times} requests each") };
        table.AddColumn("").AddColumn(new TableColumn("p50 ms").RightAligned()).AddColumn(new TableColumn("p95 ms").RightAligned()).AddColumn(new TableColumn("KiB").RightAligned());
        await AddAsync(table, "summary: day, everybody's", operators, $"/usage/summary?scope=all&{Month}&groupBy=day");
        await AddAsync(table, "summary: day × model, everybody's", operators, $"/usage/summary?scope=all&{Month}&groupBy=day&groupBy=model");
        await AddAsync(table, "summary: day × model × organisation", operators, $"/usage/summary?scope=all&{Month}&groupBy=day&groupBy=model&groupBy=organisation");
        await AddAsync(table, "summary: day × model, my own", person, $"/usage/summary?{Month}&groupBy=day&groupBy=model");
        foreach (var (name, client, scope) in new[] { ("everybody's", operators, "all"), ("one organisation's", operators, "all&org=" + await OrgAsync(person)), ("my own", person, "me") })
        {
            await AddAsync(table, $"calls: first page, {name}", client, $"/usage/calls?scope={scope}&{Month}");
            var cursor = await CursorAsync(client, $"/usage/calls?scope={scope}&{Month}");
            await AddAsync(table, $"calls: page {DeepPages + 1}, {name}", client, $"/usage/calls?scope={scope}&{Month}&cursor={cursor}");
        }

        await AddAsync(table, "preview of a price of a busy model", () => operators.PostAsJsonAsync("/prices/preview", new
        {
            changes = new[] { new PriceEntry("provider-0", "served-0", TokenClasses.Input, SampleUsage.Start, 7m) },
        }));
        console.Write(table);

        var exports = new Table { Title = new TableTitle("Exports") };
        exports.AddColumn("").AddColumn(new TableColumn("rows").RightAligned()).AddColumn(new TableColumn("rows/s").RightAligned()).AddColumn(new TableColumn("peak memory of the Api, MiB").RightAligned());
        foreach (var (name, path) in new[]
        {
            ("CSV, 3 days", $"format=csv&from={SampleUsage.Start:yyyy-MM-dd}&to={SampleUsage.Start.AddDays(3):yyyy-MM-dd}"), ("CSV, 30 days", $"format=csv&{Month}"),
            ("JSON lines, 3 days", $"format=jsonl&from={SampleUsage.Start:yyyy-MM-dd}&to={SampleUsage.Start.AddDays(3):yyyy-MM-dd}"), ("JSON lines, 30 days", $"format=jsonl&{Month}"),
        })
        {
            await ExportAsync(exports, operators, name, $"/usage/export?scope=all&{path}");
        }

        console.Write(exports);
    }

    private static async Task<string> OrgAsync(HttpClient person) =>
        (await person.GetFromJsonAsync<JsonElement>("/identity/me")).GetProperty("organisation").GetProperty("id").GetString()!;

    private static async Task<string> CursorAsync(HttpClient client, string path)
    {
        var cursor = "";
        for (var page = 0; page < DeepPages; page++)
        {
            cursor = (await client.GetFromJsonAsync<JsonElement>($"{path}&cursor={cursor}")).GetProperty("next").GetString();
        }

        return cursor!;
    }

    private static Task AddAsync(Table table, string name, HttpClient client, string path) => AddAsync(table, name, () => client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead));

    private static async Task AddAsync(Table table, string name, Func<Task<HttpResponseMessage>> ask)
    {
        List<TimeSpan> times = [];
        var bytes = 0L;
        for (var time = -WarmUps; time < Times; time++)
        {
            var begun = Stopwatch.GetTimestamp();
            using var answer = await ask();
            bytes = await CountAsync(answer.Content);
            if (time >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(begun));
            }

            answer.EnsureSuccessStatusCode();
        }

        var percentiles = Percentiles.Of(times);
        table.AddRow(name, Milliseconds(percentiles.P50), Milliseconds(percentiles.P95), (bytes / 1024).ToString("N0", CultureInfo.InvariantCulture));
    }

    /// <summary>Reads to the end and keeps nothing: an array of 12 MiB would be work for the garbage collector, on the same processors.</summary>
    private static async Task<long> CountAsync(HttpContent content)
    {
        await using var body = await content.ReadAsStreamAsync();
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
        var bytes = 0L;
        while (await body.ReadAsync(buffer) is > 0 and var read)
        {
            bytes += read;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return bytes;
    }

    private async Task ExportAsync(Table table, HttpClient client, string name, string path)
    {
        var begun = Stopwatch.GetTimestamp();
        using var answer = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        await using var lines = await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync();
        var buffer = new byte[1 << 16];
        var rows = 0L;
        while (await lines.ReadAsync(buffer) is > 0 and var read)
        {
            rows += buffer.AsSpan(0, read).Count((byte)'\n');
        }

        var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        table.AddRow(
            name, rows.ToString("N0", CultureInfo.InvariantCulture), (rows / seconds).ToString("N0", CultureInfo.InvariantCulture),
            (api.PeakMemory / (1 << 20)).ToString("N0", CultureInfo.InvariantCulture));
    }

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture);
}
