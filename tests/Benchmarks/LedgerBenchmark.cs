using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.InteropServices;
using LlmAspire.EmbeddedPostgres;
using LlmAspire.Usage;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Spectre.Console;

namespace LlmAspire.Benchmarks;

/// <summary>
/// What the ledger costs, as ratios to the least that PostgreSQL could do for the same rows, on the same durable server, in one run. The two sides take
/// turns, so that what else the machine does meets both.
/// </summary>
internal sealed class LedgerBenchmark(LedgerServices ledger, CpuClock cpu, IAnsiConsole console)
{
    private const int Rounds = 3;

    /// <summary>They are short.</summary>
    private const int OpenRounds = 10;

    /// <summary>As many as one group commit takes; the straight insert has the same.</summary>
    private const int BatchSize = 1_000;

    /// <summary>Callers who each wait for their event to be durable.</summary>
    private const int Writers = 2_000;

    private const int LagEventsPerSecond = 200;

    private static readonly TimeSpan LagTime = TimeSpan.FromSeconds(10);

    private static readonly (int Concurrency, int Times)[] Opens = [(1, 500), (16, 100), (64, 50)];

    public static async Task RunAsync(int events, IAnsiConsole console)
    {
        var folder = Directory.CreateTempSubdirectory("llmaspire-benchmarks-").FullName;
        try
        {
            await using var server = await PostgresServer.StartAsync(
                new PostgresServerOptions { DataDirectory = Path.Combine(folder, "postgres"), Password = Guid.NewGuid().ToString("N"), Throwaway = true },
                NullLogger.Instance);
            // The bare inserts have a connection each.
            await using var ledger = await LedgerServices.StartAsync($"{server.ConnectionStringFor("llm")};Maximum Pool Size=100", Path.Combine(folder, "spool"));
            var benchmark = new LedgerBenchmark(ledger, new CpuClock(server.ProcessId), console);
            await benchmark.PrintMachineAsync(events);
            await benchmark.WarmUpAsync();
            await benchmark.ThroughputAsync(events);
            await benchmark.LagAsync();
            await benchmark.OpenAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task PrintMachineAsync(int events)
    {
        console.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- ledger {events}");
        await using var version = ledger.Source.CreateCommand("SELECT split_part(version(), ' on ', 1)");
        console.WriteLine($"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors, {RuntimeInformation.FrameworkDescription}, "
            + $"{await version.ExecuteScalarAsync()}, fsync on, everything on this machine");
    }

    private async Task WarmUpAsync()
    {
        await WriteAsync(SampleEvents.Make(5 * BatchSize, new Random(1)));
        await StraightAsync(SampleEvents.Make(5 * BatchSize, new Random(2)));
        await ledger.Opener.OpenAsync(SampleEvents.Open(), CancellationToken.None);
    }

    private async Task ThroughputAsync(int events)
    {
        List<Measurement> straight = [];
        List<Measurement> through = [];
        for (var round = 0; round < Rounds; round++)
        {
            straight.Add(await MeasureAsync(events, round, StraightAsync));
            through.Add(await MeasureAsync(events, round, WriteAsync));
        }

        var table = NewTable($"{events:N0} events, median of {Rounds} rounds", "", "events/s", "CPU-s per 100k events", "of it this process", "of it PostgreSQL");
        var (floor, ledgers) = (Median(straight), Median(through));
        table.AddRow(["straight unnest insert into llm_usage", Number(floor.Rate, "N0"), .. Cpu(floor)]);
        table.AddRow(["writer, inbox, ingestion, sums", Number(ledgers.Rate, "N0"), .. Cpu(ledgers)]);
        table.AddRow("ratio", Number(ledgers.Rate / floor.Rate, "0.00"), floor.Per100k(All) is { } one && ledgers.Per100k(All) is { } other ? Number(other / one, "0.00") : "");
        console.Write(table);
    }

    private async Task<Measurement> MeasureAsync(int count, int round, Func<UsageEvent[], Task> write)
    {
        // One by one: the worker, which looks into the inbox now and then, locks them in an order of its own.
        foreach (var ledgerTable in new[] { "usage_inbox", "llm_usage", "usage_rollup_org", "usage_rollup_user", "allowance" })
        {
            await ExecuteAsync($"TRUNCATE ledger.{ledgerTable}");
        }

        await ExecuteAsync("CHECKPOINT");
        var events = SampleEvents.Make(count, new Random(round));
        GC.Collect();
        var (cpuBefore, begun) = (cpu.Read(), Stopwatch.GetTimestamp());
        await write(events);
        var (took, cpuAfter) = (Stopwatch.GetElapsedTime(begun), cpu.Read());
        return await CountAsync() == count
            ? new Measurement(count, took, cpuBefore is null ? null : cpuAfter! - cpuBefore)
            : throw new InvalidOperationException($"Of {count} events only {await CountAsync()} are rows.");
    }

    private async Task StraightAsync(UsageEvent[] events)
    {
        foreach (var batch in events.Chunk(BatchSize))
        {
            await StraightInsert.InsertAsync(ledger.Source, batch);
        }
    }

    /// <summary>Ends when every event is a row, and in the sums.</summary>
    private async Task WriteAsync(UsageEvent[] events)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            for (int index; (index = Interlocked.Increment(ref next)) < events.Length;)
            {
                await ledger.Writer.WriteAsync(events[index], CancellationToken.None);
            }
        })));
        await WaitForIngestionAsync();
    }

    private async Task WaitForIngestionAsync()
    {
        await using var command = ledger.Source.CreateCommand("SELECT NOT EXISTS (SELECT FROM ledger.usage_inbox)");
        while (await command.ExecuteScalarAsync() is not true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
    }

    private async Task LagAsync()
    {
        var lags = new ConcurrentQueue<TimeSpan>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Name == "llmaspire.ledger.lag")
                {
                    listening.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => lags.Enqueue(TimeSpan.FromSeconds(seconds)));
        listener.Start();

        var random = new Random(4);
        var begun = Stopwatch.GetTimestamp();
        List<Task> written = [];
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (await pace.WaitForNextTickAsync() && Stopwatch.GetElapsedTime(begun) < LagTime)
        {
            var due = (int)(Stopwatch.GetElapsedTime(begun).TotalSeconds * LagEventsPerSecond);
            written.AddRange(SampleEvents.Make(due - written.Count, random).Select(one => ledger.Writer.WriteAsync(one, CancellationToken.None)));
        }

        await Task.WhenAll(written);
        await WaitForIngestionAsync();
        // The last batch is recorded after its commit.
        while (lags.Count < written.Count)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }

        var table = NewTable($"From the inbox to the row, {LagEventsPerSecond} events/s for {LagTime.TotalSeconds:0} s", "", "p50 ms", "p99 ms");
        var lag = Percentiles.Of(lags);
        table.AddRow("lag", Milliseconds(lag.P50), Milliseconds(lag.P99));
        console.Write(table);
    }

    private async Task OpenAsync()
    {
        await ExecuteAsync("CREATE TABLE public.bare (id uuid PRIMARY KEY)");
        var table = NewTable("What opening a call adds before it, against the commit of one bare row", "at once", "bare p50 ms", "open p50 ms", "ratio", "bare p99 ms", "open p99 ms", "ratio");
        foreach (var (concurrency, times) in Opens)
        {
            List<TimeSpan> bare = [];
            List<TimeSpan> open = [];
            for (var round = 0; round < OpenRounds; round++)
            {
                bare.AddRange(await TimeAsync(concurrency, times, NewBareInsertAsync));
                open.AddRange(await TimeAsync(concurrency, times, () => Task.FromResult(new Timed(() => ledger.Opener.OpenAsync(SampleEvents.Open(), CancellationToken.None), null))));
            }

            var (floor, opened) = (Percentiles.Of(bare), Percentiles.Of(open));
            table.AddRow(
                Number(concurrency, "0"), Milliseconds(floor.P50), Milliseconds(opened.P50), Number(opened.P50 / floor.P50, "0.00"),
                Milliseconds(floor.P99), Milliseconds(opened.P99), Number(opened.P99 / floor.P99, "0.00"));
        }

        console.Write(table);
    }

    /// <summary>On a connection of its own, prepared: nothing but the commit is left.</summary>
    private async Task<Timed> NewBareInsertAsync()
    {
        var connection = await ledger.Source.OpenConnectionAsync();
        var command = new NpgsqlCommand("INSERT INTO public.bare VALUES ($1)", connection) { Parameters = { new NpgsqlParameter<Guid>() } };
        await command.PrepareAsync();
        return new Timed(
            () =>
            {
                ((NpgsqlParameter<Guid>)command.Parameters[0]).TypedValue = Guid.CreateVersion7();
                return command.ExecuteNonQueryAsync();
            },
            connection);
    }

    private static async Task<IEnumerable<TimeSpan>> TimeAsync(int concurrency, int times, Func<Task<Timed>> prepare)
    {
        var prepared = await Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => prepare()));
        var all = await Task.WhenAll(prepared.Select(one => Task.Run(async () =>
        {
            List<TimeSpan> took = [];
            for (var time = 0; time < times; time++)
            {
                var begun = Stopwatch.GetTimestamp();
                await one.Run();
                took.Add(Stopwatch.GetElapsedTime(begun));
            }

            return took;
        })));
        foreach (var one in prepared)
        {
            await (one.Resource?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        return all.SelectMany(took => took);
    }

    private async Task<long> CountAsync()
    {
        await using var command = ledger.Source.CreateCommand("SELECT count(*) FROM ledger.llm_usage");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = ledger.Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static Measurement Median(List<Measurement> rounds) => rounds.OrderBy(round => round.Rate).ElementAt(rounds.Count / 2);

    private static Table NewTable(string title, params string[] columns)
    {
        var table = new Table { Title = new TableTitle(title) };
        foreach (var (index, column) in columns.Index())
        {
            table.AddColumn(new TableColumn(column) { Alignment = index == 0 ? Justify.Left : Justify.Right });
        }

        return table;
    }

    private static TimeSpan All(CpuTime time) => time.Own + time.Server;

    private static IEnumerable<string> Cpu(Measurement measurement) => new[] { All, time => time.Own, time => time.Server }
        .Select(of => measurement.Per100k(of) is { } seconds ? Number(seconds, "0.0") : "not measured");

    private static string Milliseconds(TimeSpan time) => Number(time.TotalMilliseconds, "0.00");

    private static string Number(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);

    /// <param name="Cpu">Null when the system does not tell.</param>
    private sealed record Measurement(int Count, TimeSpan Took, CpuTime? Cpu)
    {
        public double Rate => Count / Took.TotalSeconds;

        public double? Per100k(Func<CpuTime, TimeSpan> of) => Cpu is null ? null : of(Cpu).TotalSeconds * 100_000 / Count;
    }

    private sealed record Timed(Func<Task> Run, IAsyncDisposable? Resource);
}
