using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmAspire.EmbeddedPostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Spectre.Console;

namespace LlmAspire.Benchmarks;

/// <summary>
/// How long the Api takes to list, search and open the conversations of somebody who has many, another organisation having as many; over HTTP, one
/// request after the other, from the request to the last byte of the answer.
/// </summary>
internal sealed class ConversationBenchmark(HttpClient client, Guid[] conversations, IAnsiConsole console)
{
    private const int WarmUps = 30;

    private const int Times = 200;

    /// <summary>Words by how many messages have them: most, some, a few.</summary>
    private static readonly (string Name, int Rank)[] Searches = [("a word of most messages", 0), ("a word of some messages", 500), ("a word of few messages", 19_000)];

    private readonly Random _random = new(7);

    public static async Task RunAsync(int count, IAnsiConsole console)
    {
        var folder = Directory.CreateTempSubdirectory("llmaspire-benchmarks-").FullName;
        try
        {
            await using var server = await PostgresServer.StartAsync(
                new PostgresServerOptions { DataDirectory = Path.Combine(folder, "postgres"), Password = Guid.NewGuid().ToString("N"), Throwaway = true },
                NullLogger.Instance);
            await server.EnsureDatabaseAsync("llm");
            await using var api = await ApiProcess.StartAsync(server.ConnectionStringFor("llm"), Path.Combine(folder, "spool"));
            await using var source = NpgsqlDataSource.Create(server.ConnectionStringFor("llm"));

            console.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- conversations {count}");
            console.WriteLine($"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors, {RuntimeInformation.FrameworkDescription}, everything on this machine");
            var sample = new SampleConversations(source, new Random(1));
            var mine = await CopyAsync(sample, api, "pro", count);
            await CopyAsync(sample, api, "rival", count);
            await using (var analyze = source.CreateCommand("VACUUM ANALYZE tenant.conversation, tenant.message, tenant.run"))
            {
                analyze.CommandTimeout = 600;
                await analyze.ExecuteNonQueryAsync();
            }

            using var client = await api.SignInAsync("pro");
            await new ConversationBenchmark(client, mine, console).MeasureAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<Guid[]> CopyAsync(SampleConversations sample, ApiProcess api, string user, int count)
    {
        using var client = await api.SignInAsync(user);
        var me = await client.GetFromJsonAsync<JsonElement>("/identity/me");
        return await sample.CopyAsync(me.GetProperty("organisation").GetProperty("id").GetGuid(), me.GetProperty("id").GetGuid(), count);
    }

    private async Task MeasureAsync()
    {
        var table = new Table { Title = new TableTitle($"{conversations.Length:N0} conversations of {SampleConversations.MessagesEach} messages, {Times} requests each") };
        table.AddColumn("").AddColumn(new TableColumn("p50 ms").RightAligned()).AddColumn(new TableColumn("p95 ms").RightAligned()).AddColumn(new TableColumn("p99 ms").RightAligned());
        await AddAsync(table, "list, first page", () => "/conversations");
        var cursor = await CursorAsync(pages: 10);
        await AddAsync(table, "list, eleventh page", () => $"/conversations?cursor={cursor}");
        foreach (var (name, rank) in Searches)
        {
            await AddAsync(table, $"search, {name}", () => $"/conversations?search={SampleConversations.WordOf(rank + _random.Next(10))}");
        }

        await AddAsync(table, "search, two words", () => $"/conversations?search={SampleConversations.WordOf(_random.Next(50))}+{SampleConversations.WordOf(1_000 + _random.Next(50))}");
        // No word has this letter.
        await AddAsync(table, "search, what is in no message", () => $"/conversations?search=y{_random.Next(1_000)}");
        await AddAsync(table, "open", () => $"/conversations/{conversations[_random.Next(conversations.Length)]}");
        console.Write(table);
    }

    private async Task<string> CursorAsync(int pages)
    {
        var cursor = "";
        for (var page = 0; page < pages; page++)
        {
            cursor = (await client.GetFromJsonAsync<JsonElement>($"/conversations?cursor={cursor}")).GetProperty("next").GetString();
        }

        return cursor!;
    }

    private async Task AddAsync(Table table, string name, Func<string> path)
    {
        List<TimeSpan> times = [];
        for (var time = -WarmUps; time < Times; time++)
        {
            var address = path();
            var begun = Stopwatch.GetTimestamp();
            using var answer = await client.GetAsync(address);
            if (time >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(begun));
            }

            answer.EnsureSuccessStatusCode();
        }

        var percentiles = Percentiles.Of(times);
        table.AddRow(name, Milliseconds(percentiles.P50), Milliseconds(percentiles.P95), Milliseconds(percentiles.P99));
    }

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture);
}
