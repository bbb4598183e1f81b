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
/// What <c>/v1</c> adds to the gateway: to the time to the first token, and to the gaps between tokens, of streams at the pace of a model; beside a bare YARP proxy, the three
/// taking turns. And how many tokens a second go through when the model has no pace. Everything is a process of its own, warm, and PostgreSQL is durable.
/// </summary>
internal sealed class OpenAiBenchmark(OpenAiBenchmark.Way[] ways, TimeSpan time, IAnsiConsole console)
{
    private const string Key = "sk-benchmark";

    private const int TokensPerSecond = 20;

    /// <summary>A usual answer, of which opening and settling are a part, and a very long one, of which the bytes are nearly all.</summary>
    private static readonly (int Tokens, int AtOnce)[] Unpaced = [(400, 16), (400, 50), (400, 200), (4000, 16)];

    /// <summary>The machine's own pace changes: the ways take turns in rounds, and what counts is the ratio within each.</summary>
    private const int Rounds = 10;

    /// <summary>One stream after the other gives few samples: it is measured longer, and with short answers.</summary>
    private const int TimesForOneStream = 3;

    private const double SecondsOfOneStream = 0.2;

    private const double SecondsOfManyStreams = 5;

    /// <summary>Of the model, until its first token.</summary>
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(100);

    /// <summary>Streams do not begin at once: their own pace would become that of all.</summary>
    private static readonly TimeSpan Spread = TimeSpan.FromSeconds(2);

    /// <summary>So long it takes until the runtime has compiled for speed what a stream goes through.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(20);

    private readonly Random _random = new(3);

    public static async Task RunAsync(TimeSpan time, IAnsiConsole console)
    {
        var folder = Directory.CreateTempSubdirectory("llmaspire-benchmarks-").FullName;
        try
        {
            await using var server = await PostgresServer.StartAsync(
                new PostgresServerOptions { DataDirectory = Path.Combine(folder, "postgres"), Password = Guid.NewGuid().ToString("N"), Throwaway = true },
                NullLogger.Instance);
            await server.EnsureDatabaseAsync("llm");
            await using var gateway = await HelperProcess.StartGatewayAsync(Key, Path.Combine(folder, "served.jsonl"));
            await using var proxy = await HelperProcess.StartProxyAsync(gateway.Url);
            await ApiProcess.MakeDemoAccountsAsync(server.ConnectionStringFor("llm"), Path.Combine(folder, "spool"));
            // Measured is the Api as it is deployed.
            await using var api = await ApiProcess.StartAsync(server.ConnectionStringFor("llm"), Path.Combine(folder, "spool"), new Dictionary<string, string>
            {
                ["ASPNETCORE_ENVIRONMENT"] = "Production",
                ["LLM_BASE_URL"] = gateway.Url.ToString(),
                ["LLM_API_KEY"] = Key,
                ["Plans__Enterprise__RequestsPerMinute"] = "1000000",
                ["Plans__Enterprise__ConcurrentRuns"] = "10000",
                // Of the person's organisation.
                ["Plans__Pro__TokensPerMonth"] = "1000000000000",
            });
            using var person = await api.SignInAsync("enterprise");
            using var made = await person.PostAsJsonAsync("/identity/api-keys", new { name = "benchmark" });
            var apiKey = (await made.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;

            console.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- openai {time.TotalSeconds:0}");
            console.WriteLine($"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors, {RuntimeInformation.FrameworkDescription}, everything on this machine");
            Way[] ways = [new("gateway", Client(gateway.Url, Key)), new("YARP", Client(proxy.Url, Key)), new("/v1", Client(api.Url, apiKey))];
            await WaitAsync(ways[^1].Client);
            await new OpenAiBenchmark(ways, time, console).MeasureAsync(server.ConnectionStringFor("llm"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static HttpClient Client(Uri url, string key) => new(new SocketsHttpHandler { MaxConnectionsPerServer = 1000 })
    {
        BaseAddress = url,
        DefaultRequestHeaders = { Authorization = new("Bearer", key) },
    };

    private static async Task WaitAsync(HttpClient client)
    {
        while (true)
        {
            using var answer = await client.GetAsync(new Uri("/v1/models", UriKind.Relative));
            if (answer.IsSuccessStatusCode)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }
    }

    private async Task MeasureAsync(string connectionString)
    {
        foreach (var way in ways)
        {
            await PacedAsync(way, 200, WarmUp);
            await UnpacedAsync(way, 400, 16, WarmUp);
        }

        await using var source = NpgsqlDataSource.Create(connectionString);
        var commits = NewTable("One durable commit, ms; the open of a call is one, and is within the first token of /v1", "at the pace of", "commits", "p50", "p99");
        foreach (var (pace, times, pause) in new[]
        {
            ("one stream", 200, TimeSpan.FromSeconds(SecondsOfOneStream) + Latency),
            ("50 streams", 150, TimeSpan.FromSeconds(SecondsOfManyStreams / 50)),
            ("200 streams", 500, TimeSpan.FromSeconds(SecondsOfManyStreams / 200)),
            ("one after the other", 500, TimeSpan.Zero),
        })
        {
            var commit = await CommitAsync(source, times, pause);
            commits.AddRow(pace, $"{times}", Ms(commit.P50), Ms(commit.P99));
        }

        console.Write(commits);

        var table = NewTable(
            $"Streams of {TokensPerSecond} tokens/s; added to the gateway direct, ms", "streams", "way", "streams measured", "first token p50", "p99", "gap p50", "p99");
        foreach (var streams in (int[])[1, 50, 200])
        {
            var direct = Sample.Empty;
            foreach (var way in ways)
            {
                var sample = await PacedAsync(way, streams, streams == 1 ? TimesForOneStream * time : time);
                direct = way == ways[0] ? sample : direct;
                var (first, gap) = (Percentiles.Of(sample.First), Percentiles.Of(sample.Gaps));
                var (firstOfDirect, gapOfDirect) = (Percentiles.Of(direct.First), Percentiles.Of(direct.Gaps));
                table.AddRow(
                    $"{streams}", way == ways[0] ? "gateway, itself" : way.Name, $"{sample.First.Count}",
                    Added(first.P50, firstOfDirect.P50, way), Added(first.P99, firstOfDirect.P99, way), Added(gap.P50, gapOfDirect.P50, way), Added(gap.P99, gapOfDirect.P99, way));
            }
        }

        console.Write(table);
        await ThroughputAsync();
    }

    private async Task ThroughputAsync()
    {
        var table = NewTable(
            $"Streams without a pace; medians of {Rounds} rounds, lower and upper quartile", "tokens", "at once", "gateway, tokens/s", "YARP", "/v1", "/v1 of YARP's", "quartiles");
        foreach (var (tokens, atOnce) in Unpaced)
        {
            var rates = ways.Select(_ => new List<double>()).ToArray();
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var (index, way) in ways.Index())
                {
                    rates[index].Add(await UnpacedAsync(way, tokens, atOnce, time / Rounds));
                }
            }

            var ratios = rates[2].Zip(rates[1], (ours, yarps) => ours / yarps).Order().ToArray();
            table.AddRow(
                [$"{tokens}", $"{atOnce}", .. rates.Select(rate => Median(rate).ToString("N0", CultureInfo.InvariantCulture)), Ratio(Median(ratios)), $"{Ratio(ratios[Rounds / 4])}, {Ratio(ratios[Rounds * 3 / 4])}"]);
        }

        console.Write(table);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private string Added(TimeSpan of, TimeSpan direct, Way way) => way == ways[0] ? Ms(of) : Ms(of - direct);

    /// <summary>One stream after the other on each of so many lanes; what a lane has not begun when the time is over it does not begin.</summary>
    private async Task<Sample> PacedAsync(Way way, int streams, TimeSpan within)
    {
        var length = (int)(Math.Min(within.TotalSeconds, streams == 1 ? SecondsOfOneStream : SecondsOfManyStreams) * TokensPerSecond);
        var begun = Stopwatch.GetTimestamp();
        var pauses = Enumerable.Range(0, streams).Select(_ => Spread * _random.NextDouble()).ToArray();
        var samples = await Task.WhenAll(pauses.Select(async pause =>
        {
            await Task.Delay(pause);
            var sample = Sample.Empty;
            do
            {
                var one = await StreamAsync(way, $"Tell me of rain <<demo length={length} pace={TokensPerSecond} latency={Latency.TotalMilliseconds}>>");
                sample = new Sample([.. sample.First, .. one.First], [.. sample.Gaps, .. one.Gaps]);
            }
            while (Stopwatch.GetElapsedTime(begun) < within);

            return sample;
        }));
        return new Sample([.. samples.SelectMany(sample => sample.First)], [.. samples.SelectMany(sample => sample.Gaps)]);
    }

    /// <returns>Tokens a second.</returns>
    private static async Task<double> UnpacedAsync(Way way, int length, int atOnce, TimeSpan within)
    {
        var begun = Stopwatch.GetTimestamp();
        var tokens = await Task.WhenAll(Enumerable.Range(0, atOnce).Select(async _ =>
        {
            var count = 0;
            while (Stopwatch.GetElapsedTime(begun) < within)
            {
                count += (await StreamAsync(way, $"Tell me of rain <<demo length={length} pace=0 latency=0>>")).Gaps.Count + 1;
            }

            return count;
        }));
        return tokens.Sum() / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    private static async Task<Sample> StreamAsync(Way way, string question)
    {
        var sample = Sample.Empty;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = JsonContent.Create(new { model = "chat-default", stream = true, messages = new[] { new { role = "user", content = question } } }),
        };
        await request.Content.LoadIntoBufferAsync();
        var last = Stopwatch.GetTimestamp();
        using var response = await way.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"{way.Name} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
        }

        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var isDone = false;
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.Contains("\"content\"", StringComparison.Ordinal))
            {
                var now = Stopwatch.GetTimestamp();
                (sample.First.Count == 0 ? sample.First : sample.Gaps).Add(Stopwatch.GetElapsedTime(last, now));
                last = now;
            }

            isDone |= line == "data: [DONE]";
        }

        return isDone ? sample : throw new InvalidOperationException($"A stream of {way.Name} broke.");
    }

    private static async Task<Percentiles> CommitAsync(NpgsqlDataSource source, int times, TimeSpan pause)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using (var create = new NpgsqlCommand("CREATE TABLE IF NOT EXISTS public.bare (id uuid PRIMARY KEY)", connection))
        {
            await create.ExecuteNonQueryAsync();
        }

        await using var insert = new NpgsqlCommand("INSERT INTO public.bare VALUES ($1)", connection) { Parameters = { new NpgsqlParameter<Guid>() } };
        await insert.PrepareAsync();
        var took = new List<TimeSpan>();
        for (var i = 0; i < times; i++)
        {
            ((NpgsqlParameter<Guid>)insert.Parameters[0]).TypedValue = Guid.CreateVersion7();
            var begun = Stopwatch.GetTimestamp();
            await insert.ExecuteNonQueryAsync();
            took.Add(Stopwatch.GetElapsedTime(begun));
            await Task.Delay(pause);
        }

        return Percentiles.Of(took);
    }

    private static Table NewTable(string title, params string[] columns)
    {
        var table = new Table { Title = new TableTitle(title) };
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        return table;
    }

    private static string Ratio(double ratio) => ratio.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Ms(TimeSpan time) => time.TotalMilliseconds.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>A way to the gateway.</summary>
    internal sealed record Way(string Name, HttpClient Client);

    private sealed record Sample(List<TimeSpan> First, List<TimeSpan> Gaps)
    {
        public static Sample Empty => new([], []);
    }
}
