using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using LlmAspire.Api.Llm.Concurrency;
using LlmAspire.Usage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Tests.Llm.Concurrency;

public sealed class ParallelRunnerTests : IDisposable
{
    private static readonly Guid Org = Guid.CreateVersion7();

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _services.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task of_a_thousand_items_that_fail_and_are_cancelled_at_random_none_is_lost_and_no_limit_is_exceeded(int seed)
    {
        const int Count = 1_000;
        var limits = new ParallelLimits { PerOrganisation = 5, PerModel = 7, InAll = 12 };
        using var runner = CreateRunner(limits);
        using var watch = new Watch(limits.InAll);
        var random = new Random(seed);
        Guid[] organisations = [.. Enumerable.Range(0, 6).Select(_ => Guid.CreateVersion7())];
        string?[] models = ["fast", "strong", "thinking", null];
        using var cancelled = new CancellationTokenSource();
        var worked = new ConcurrentDictionary<int, string>();

        // Ten groups at once, each a caller of its own; the fourth is cancelled as a whole while it runs.
        var groups = Enumerable.Range(0, 10).Select(group => Enumerable.Range(0, Count / 10).Select(index =>
        {
            var number = (group * Count / 10) + index;
            var (steps, fate) = (random.Next(12), random.Next(10));
            var (organisation, model) = (organisations[random.Next(organisations.Length)], models[random.Next(models.Length)]);
            return new ParallelItem<int>(organisation, model, UsageOperation.Tool, async token =>
            {
                using var one = watch.Enter(organisation, model);
                await watch.Full;
                for (var step = 0; step < steps; step++)
                {
                    await Task.Yield();
                    token.ThrowIfCancellationRequested();
                }

                if (group == 3 && index == 20)
                {
                    await cancelled.CancelAsync();
                }
                else if (group == 3 && index == 99)
                {
                    // Else the whole group may be over before its twenty-first item has its turn.
                    await Task.Delay(Timeout.Infinite, token);
                }

                worked[number] = fate < 2 ? "failed" : "succeeded";
                // One in ten gives up by itself: that is a failure, nobody cancelled it.
                return fate == 0 ? throw new InvalidOperationException($"{number}") : fate == 1 ? throw new TaskCanceledException() : number;
            });
        }).ToList()).ToList();
        var results = await Task.WhenAll(groups.Select((items, group) =>
            runner.RunAsync(items, cancellationToken: group == 3 ? cancelled.Token : CancellationToken.None)));

        for (var group = 0; group < groups.Count; group++)
        {
            Assert.Equal(Enumerable.Range(0, Count / 10), results[group].Select(one => one.Index));
            foreach (var one in results[group])
            {
                var number = (group * Count / 10) + one.Index;
                if (one.Outcome == ParallelOutcome.Cancelled)
                {
                    Assert.Equal(3, group);
                    continue;
                }

                Assert.Equal(one.Outcome.ToString().ToLowerInvariant(), worked[number]);
                Assert.True(one.Outcome == ParallelOutcome.Failed ? one.Exception is InvalidOperationException or TaskCanceledException : one.Value == number);
            }
        }

        var ended = results.SelectMany(one => one).CountBy(one => one.Outcome).ToDictionary();
        Assert.Equal(Count, ended.Values.Sum());
        Assert.True(ended[ParallelOutcome.Cancelled] > 0 && ended[ParallelOutcome.Failed] > 0);
        Assert.Equal(limits.InAll, watch.MostInAll);
        Assert.InRange(watch.MostOfAnOrganisation, 2, limits.PerOrganisation);
        Assert.InRange(watch.MostOfAModel, 2, limits.PerModel);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{Count} items: {string.Join(", ", ended.Select(one => $"{one.Value} {one.Key}"))}; at once at most {watch.MostInAll} of {limits.InAll} in all, "
            + $"{watch.MostOfAnOrganisation} of {limits.PerOrganisation} of an organisation, {watch.MostOfAModel} of {limits.PerModel} of a model");
    }

    [Fact]
    public async Task an_organisation_that_floods_does_not_starve_a_modest_one()
    {
        const int Flood = 980;
        const int Modest = 20;
        const int Places = 4;
        var (flooding, modest) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        using var runner = CreateRunner(new ParallelLimits { PerOrganisation = Places, PerModel = Places, InAll = Places });
        var begun = Channel.CreateUnbounded<Guid>();
        using var ends = new SemaphoreSlim(0);
        ParallelItem<bool> Item(Guid organisation) => new(organisation, "fast", UsageOperation.Chat, async _ =>
        {
            await begun.Writer.WriteAsync(organisation, Token);
            await ends.WaitAsync(Token);
            return true;
        });

        // The modest one comes when everything is taken, and 976 wait.
        var flood = runner.RunAsync([.. Enumerable.Repeat(Item(flooding), Flood)], cancellationToken: Token);
        var few = runner.RunAsync([.. Enumerable.Repeat(Item(modest), Modest)], cancellationToken: Token);
        List<Guid> order = [];
        while (order.Count < Flood + Modest)
        {
            if (order.Count >= Places)
            {
                ends.Release();
            }

            order.Add(await begun.Reader.ReadAsync(Token));
        }

        ends.Release(Places);
        await Task.WhenAll(flood, few);

        var (first, last) = (order.IndexOf(modest) + 1, order.LastIndexOf(modest) + 1);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{Flood} items of one organisation before {Modest} of another, {Places} places: the modest one's began as number {first} to {last} of {order.Count}; "
            + $"first come, first served would have made it {Flood + 1} to {Flood + Modest}");
        // Turn about, from the first place that was free again.
        Assert.InRange(first, Places + 1, Places + 2);
        Assert.Equal(first + (2 * (Modest - 1)), last);
        Assert.All(await flood, one => Assert.Equal(ParallelOutcome.Succeeded, one.Outcome));
    }

    [Fact]
    public async Task results_come_in_the_order_of_the_items_or_as_they_end()
    {
        using var runner = CreateRunner();
        TaskCompletionSource<string>[] answers = [.. Enumerable.Range(0, 3).Select(_ => new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously))];
        IReadOnlyList<ParallelItem<string>> items = [.. answers.Select(answer => Item(answer.Task.WaitAsync))];

        var list = runner.RunAsync(items, cancellationToken: Token);
        List<string> ended = [];
        await using var stream = runner.StreamAsync(items, cancellationToken: Token).GetAsyncEnumerator(Token);
        foreach (var index in (int[])[2, 0, 1])
        {
            var next = stream.MoveNextAsync();
            answers[index].SetResult($"answer {index}");
            Assert.True(await next);
            ended.Add($"{stream.Current.Index}: {stream.Current.Value}");
        }

        Assert.False(await stream.MoveNextAsync());
        Assert.Equal(["2: answer 2", "0: answer 0", "1: answer 1"], ended);
        Assert.Equal(["answer 0", "answer 1", "answer 2"], (await list).Select(one => one.Value));
    }

    [Fact]
    public async Task a_first_failure_stops_the_others_only_if_that_is_wanted()
    {
        using var runner = CreateRunner(new ParallelLimits { InAll = 2 });
        IReadOnlyList<ParallelItem<int>> items =
        [
            Item(token => Task.Delay(Timeout.Infinite, token).ContinueWith(_ => 1, token, TaskContinuationOptions.None, TaskScheduler.Default)),
            Item<int>(_ => throw new InvalidOperationException()),
            Item(_ => Task.FromResult(3)),
        ];

        // Often: what fails leaves its place to the third, which must not begin in it.
        for (var run = 0; run < 1000; run++)
        {
            var stopped = await runner.RunAsync(items, new ParallelRunOptions<int> { StopOnFailure = true }, Token);
            Assert.Equal([ParallelOutcome.Cancelled, ParallelOutcome.Failed, ParallelOutcome.Cancelled], stopped.Select(one => one.Outcome));
            Assert.Null(stopped[2].Duration);
        }

        var rest = await runner.RunAsync([.. items.Skip(1)], cancellationToken: Token);

        Assert.Equal([ParallelOutcome.Failed, ParallelOutcome.Succeeded], rest.Select(one => one.Outcome));
    }

    [Fact]
    public async Task the_first_accepted_value_stops_the_others_and_there_is_only_one()
    {
        using var runner = CreateRunner();
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (running, left) = (0, 0);
        var items = Enumerable.Range(0, 8).Select(index => Item(async token =>
        {
            if (Interlocked.Increment(ref running) == 8)
            {
                all.SetResult();
            }

            await all.Task;
            if (index < 4)
            {
                return index < 2 ? "" : "good";
            }

            await Task.Delay(Timeout.Infinite, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Interlocked.Increment(ref left);
            throw new OperationCanceledException(token);
        })).ToList();

        var results = await runner.RunAsync(items, new ParallelRunOptions<string> { Accept = value => value.Length > 0 }, Token);

        Assert.Equal("good", Assert.Single(results, one => one.IsAccepted).Value);
        Assert.Equal(4, left);
        Assert.All(results.Take(4), one => Assert.NotEqual(ParallelOutcome.Failed, one.Outcome));
        Assert.All(results.Skip(4), one => Assert.Equal(ParallelOutcome.Cancelled, one.Outcome));
    }

    [Fact]
    public async Task who_leaves_the_stream_cancels_what_is_left_and_waits_for_it()
    {
        using var runner = CreateRunner();
        var began = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var left = false;
        IReadOnlyList<ParallelItem<int>> items =
        [
            Item(_ => began.Task),
            Item<int>(async token =>
            {
                began.SetResult(1);
                await Task.Delay(Timeout.Infinite, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await Task.Yield();
                left = true;
                throw new OperationCanceledException(token);
            }),
        ];

        await foreach (var one in runner.StreamAsync(items, cancellationToken: Token))
        {
            Assert.Equal(0, one.Index);
            break;
        }

        Assert.True(left);
    }

    [Fact]
    public async Task work_inside_work_cannot_wait_for_the_place_that_it_holds()
    {
        using var runner = CreateRunner(new ParallelLimits { PerOrganisation = 2, PerModel = 2, InAll = 2 });
        var items = Enumerable.Range(0, 6).Select(_ => Item(async token =>
            (await runner.RunAsync([Item(_ => Task.FromResult(1)), Item(_ => Task.FromResult(2)), Item(_ => Task.FromResult(3))], cancellationToken: token))
                .Sum(one => one.Value))).ToList();

        Assert.All(await runner.RunAsync(items, cancellationToken: Token), one => Assert.Equal(6, one.Value));
    }

    [Fact]
    public async Task one_item_returns_or_throws_what_its_work_does()
    {
        using var runner = CreateRunner();

        Assert.Equal(7, await runner.RunAsync(Item(_ => Task.FromResult(7)), Token));
        await Assert.ThrowsAsync<TimeoutException>(() => runner.RunAsync(Item<int>(_ => throw new TimeoutException()), Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => runner.RunAsync(Item(_ => Task.FromResult(7)), new CancellationToken(true)));
    }

    [Fact]
    public async Task a_shutdown_waits_for_what_runs_and_begins_nothing()
    {
        using var runner = CreateRunner(new ParallelLimits { InAll = 1 });
        IHostedService service = runner;
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var results = runner.RunAsync(
            [
                Item(async token =>
                {
                    began.SetResult();
                    await goOn.Task;
                    return token.IsCancellationRequested;
                }),
                Item(_ => Task.FromResult(true)),
            ],
            cancellationToken: Token);
        await began.Task;

        var stopping = service.StopAsync(Token);
        Assert.False(stopping.IsCompleted);
        goOn.SetResult();
        await stopping;

        Assert.Equal([ParallelOutcome.Succeeded, ParallelOutcome.Cancelled], (await results).Select(one => one.Outcome));
        Assert.False((await results)[0].Value);
        Assert.Equal(ParallelOutcome.Cancelled, (await runner.RunAsync([Item(_ => Task.FromResult(1))], cancellationToken: Token))[0].Outcome);
    }

    [Fact]
    public async Task a_shutdown_cancels_what_runs_when_its_time_is_up()
    {
        using var runner = CreateRunner();
        IHostedService service = runner;
        var result = runner.RunAsync([Item<int>(async token =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return 1;
        })], cancellationToken: Token);

        await service.StopAsync(new CancellationToken(true));

        Assert.Equal(ParallelOutcome.Cancelled, (await result)[0].Outcome);
    }

    [Fact]
    public async Task metrics_say_what_waits_and_runs_without_naming_organisations()
    {
        var measured = new ConcurrentQueue<(string Name, double Value, string Tags)>();
        using var listener = new MeterListener();
        var factory = _services.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, one) =>
        {
            if (instrument.Meter.Scope == factory && instrument.Name.StartsWith("llmaspire.parallel", StringComparison.Ordinal))
            {
                one.EnableMeasurementEvents(instrument);
            }
        };
        void Record<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
            where T : IConvertible => measured.Enqueue((instrument.Name, value.ToDouble(null), string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))));
        listener.SetMeasurementEventCallback<long>(Record);
        listener.SetMeasurementEventCallback<double>(Record);
        listener.Start();
        using var runner = CreateRunner();

        await runner.RunAsync([new ParallelItem<int>(Org, "fast", UsageOperation.Title, _ => Task.FromResult(1))], cancellationToken: Token);

        Assert.Equal(
            ["llmaspire.parallel.queued 1", "llmaspire.parallel.queued -1", "llmaspire.parallel.running 1", "llmaspire.parallel.ended 1", "llmaspire.parallel.running -1"],
            measured.Where(one => one.Name != "llmaspire.parallel.waited").Select(one => $"{one.Name} {one.Value}"));
        Assert.Single(measured, one => one.Name == "llmaspire.parallel.waited");
        Assert.All(measured, one => Assert.StartsWith("model=fast operation=title", one.Tags, StringComparison.Ordinal));
        Assert.DoesNotContain(measured, one => one.Tags.Contains(Org.ToString(), StringComparison.Ordinal));
    }

    private static ParallelItem<T> Item<T>(Func<CancellationToken, Task<T>> work) => new(Org, "fast", UsageOperation.Tool, work);

    private ParallelRunner CreateRunner(ParallelLimits? limits = null) =>
        new(Options.Create(limits ?? new ParallelLimits()), _services.GetRequiredService<IMeterFactory>(), TimeProvider.System);

    /// <summary>Counts how much runs at once.</summary>
    private sealed class Watch(int limit) : IDisposable
    {
        private readonly TaskCompletionSource _full = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock _lock = new();
        private readonly Dictionary<object, int> _running = [];

        /// <summary>Ends when as much runs as may.</summary>
        public Task Full => _full.Task;

        public int MostInAll { get; private set; }

        public int MostOfAnOrganisation { get; private set; }

        public int MostOfAModel { get; private set; }

        public Leaving Enter(Guid organisation, string? model)
        {
            lock (_lock)
            {
                MostInAll = Math.Max(MostInAll, Add("", 1));
                MostOfAnOrganisation = Math.Max(MostOfAnOrganisation, Add(organisation, 1));
                MostOfAModel = Math.Max(MostOfAModel, model is null ? 0 : Add(model, 1));
                if (MostInAll == limit)
                {
                    _full.TrySetResult();
                }
            }

            return new Leaving(() =>
            {
                lock (_lock)
                {
                    Add("", -1);
                    Add(organisation, -1);
                    _ = model is null ? 0 : Add(model, -1);
                }
            });
        }

        public void Dispose() => Assert.All(_running.Values, count => Assert.Equal(0, count));

        private int Add(object key, int change) => _running[key] = _running.GetValueOrDefault(key) + change;
    }

    private sealed class Leaving(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}
