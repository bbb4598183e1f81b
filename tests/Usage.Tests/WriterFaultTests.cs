using System.Diagnostics.Metrics;
using System.Text.Json;
using LlmAspire.TestPostgres;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LlmAspire.Usage.Tests;

/// <summary>Whatever fails while an event is written or a spool is replayed, the service goes on, and the others are written.</summary>
public class WriterFaultTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task raw_usage_that_nobody_can_read_any_more_is_left_out_and_holds_up_nothing()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        UsageEvent odd;
        using (var gone = JsonDocument.Parse("{}"))
        {
            odd = Events.Plain() with { RawUsage = gone.RootElement };
        }

        UsageEvent[] events = [.. Enumerable.Range(0, 20).Select(_ => Events.Plain()), odd, .. Enumerable.Range(0, 10).Select(_ => Events.Plain())];

        await AnsweredAsync(host.Writer, Task.WhenAll(events.Select(one => host.Writer.WriteAsync(one, Cancellation))));

        await host.IngestAllAsync();
        var rows = await host.RowsAsync();
        Assert.Equal(events.Select(one => one.Id).Order(), rows.Select(row => row.Id).Order());
        Assert.Null(rows.Single(row => row.Id == odd.Id).RawUsage);
    }

    [Fact]
    public async Task who_listens_to_a_metric_may_fail()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var meters = host.Services.GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "llmaspire.usage.events" && instrument.Meter.Scope == meters)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => throw new InvalidOperationException("Not now."));
        listener.Start();

        await AnsweredAsync(host.Writer, host.Writer.WriteAsync(Events.Plain(), Cancellation));
        await AnsweredAsync(host.Writer, host.Writer.WriteAsync(Events.Plain(), Cancellation));
    }

    [Fact]
    public async Task a_spool_that_fails_in_a_way_nobody_expects_is_tried_again()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var folder = Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}");
        using var spool = new SpoolFile(
            Options.Create(new SpoolOptions { Directory = folder }), host.Services.GetRequiredService<IHostEnvironment>(), NewHeld(), new FailingTime(), NullLogger<SpoolFile>.Instance);
        var away = new PostgresState(host.Services.GetRequiredService<PostgresProbe>(), new LedgerReadiness(), Options.Create(new DurabilityOptions()), TimeProvider.System, NullLogger<PostgresState>.Instance);
        var metrics = new DurabilityMetrics(host.Services.GetRequiredService<IMeterFactory>(), host.Running, spool, NewHeld(), away);
        using var writer = new UsageEventWriter(
            host.Services.GetRequiredService<InboxTable>(), away, spool, host.Running, metrics, TimeProvider.System, NullLogger<UsageEventWriter>.Instance);
        await writer.StartAsync(Cancellation);

        await AnsweredAsync(writer, writer.WriteAsync(Events.Plain(), Cancellation));
        await AnsweredAsync(writer, writer.WriteAsync(Events.Plain(), Cancellation));
        await writer.StopAsync(Cancellation);
    }

    [Fact]
    public async Task a_record_of_another_version_in_a_spool_is_kept_for_a_person_and_holds_up_no_other_spool()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}")).FullName;
        var (first, second) = (Path.Combine(folder, "a.spool"), Path.Combine(folder, "b.spool"));
        UsageEvent[] events = [Events.Plain(), Events.Plain()];
        Append(first, SpoolEntry.OfRun(Guid.CreateVersion7(), "one"), SpoolEntry.OfRun(Guid.CreateVersion7(), StrictReplay.Foreign), SpoolEntry.OfRun(Guid.CreateVersion7(), "two"), SpoolEntry.Of(events[0]));
        Append(second, SpoolEntry.OfRun(Guid.CreateVersion7(), "three"), SpoolEntry.Of(events[1]));
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", Path.Combine(folder, "own")));
        var replay = new StrictReplay();
        var held = NewHeld();
        using var spool = new SpoolFile(
            Options.Create(new SpoolOptions { Directory = folder }), host.Services.GetRequiredService<IHostEnvironment>(), held, TimeProvider.System, NullLogger<SpoolFile>.Instance);
        var sender = new SpoolSender(host.Services.GetRequiredService<InboxTable>(), host.Services.GetRequiredService<OpenCallTable>(), [replay]);
        using var replayer = ActivatorUtilities.CreateInstance<SpoolReplayer>(host.Services, spool, sender, held);

        await replayer.StartAsync(Cancellation);
        await LedgerHost.WaitAsync(() => Task.FromResult(held.Any?.Path == first && !File.Exists(second)));
        await replayer.StopAsync(Cancellation);

        Assert.Equal(["one", "two", "three"], replay.Written);
        await host.IngestAllAsync();
        Assert.Equal(2, (await host.RowsAsync()).Count);
        using var kept = SpoolDatabase.Open(first, 1 << 30);
        Assert.Equal(StrictReplay.Foreign, Assert.Single(kept.Read(0, 10)).Body);
    }

    private static HeldSpools NewHeld() => new(Options.Create(new SpoolOptions()), TimeProvider.System, NullLogger<HeldSpools>.Instance);

    private static void Append(string path, params SpoolEntry[] entries)
    {
        using var database = SpoolDatabase.Open(path, 1 << 30);
        database.Append(entries);
    }

    /// <summary>Waits for the write, or for the end of the writer, which is a failure.</summary>
    private static async Task AnsweredAsync(UsageEventWriter writer, Task write)
    {
        Assert.Same(write, await Task.WhenAny(write, writer.ExecuteTask!));
        await write;
    }

    private sealed class StrictReplay : IRunReplay
    {
        public const string Foreign = "of a newer version";

        public List<string> Written { get; } = [];

        public Task ReplayAsync(IReadOnlyList<string> records, CancellationToken cancellationToken)
        {
            if (records.Contains(Foreign))
            {
                throw new JsonException("There is no such kind.");
            }

            Written.AddRange(records);
            return Task.CompletedTask;
        }
    }

    /// <summary>A clock that fails once.</summary>
    private sealed class FailingTime : TimeProvider
    {
        private int _asked;

        public override DateTimeOffset GetUtcNow() => Interlocked.Increment(ref _asked) == 1 ? throw new InvalidTimeZoneException("No time.") : base.GetUtcNow();
    }
}
