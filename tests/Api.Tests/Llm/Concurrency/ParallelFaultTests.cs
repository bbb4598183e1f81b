using LlmAspire.Api.Llm.Concurrency;
using LlmAspire.Usage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using System.Diagnostics.Metrics;

namespace LlmAspire.Api.Tests.Llm.Concurrency;

/// <summary>What work does when it is cancelled may fail; that is no failure of the others, nor of the service.</summary>
public sealed class ParallelFaultTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _services.Dispose();

    [Fact]
    public async Task the_first_good_result_is_accepted_whatever_the_others_do_when_they_are_stopped()
    {
        using var runner = CreateRunner();
        var running = new TaskCompletionSource();
        ParallelItem<int>[] items = [Stubborn(running), new(Guid.CreateVersion7(), null, UsageOperation.Race, async _ => { await running.Task; return 2; })];

        var results = await runner.RunAsync(items, new ParallelRunOptions<int> { Accept = value => value == 2 }, Token);

        Assert.Equal([ParallelOutcome.Cancelled, ParallelOutcome.Succeeded], results.Select(one => one.Outcome));
        Assert.True(results[1].IsAccepted);
    }

    [Fact]
    public async Task a_shutdown_ends_whatever_work_does_at_its_deadline()
    {
        using var runner = CreateRunner();
        var running = new TaskCompletionSource();
        var run = runner.RunAsync([Stubborn(running)], cancellationToken: Token);
        await running.Task;

        await ((IHostedService)runner).StopAsync(new CancellationToken(canceled: true));

        Assert.Equal(ParallelOutcome.Cancelled, Assert.Single(await run).Outcome);
    }

    /// <summary>Work whose cancellation fails.</summary>
    private static ParallelItem<int> Stubborn(TaskCompletionSource running) => new(Guid.CreateVersion7(), null, UsageOperation.Race, async token =>
    {
        var cancelled = new TaskCompletionSource();
        await using var told = token.Register(() => cancelled.SetResult());
        await using var failing = token.Register(() => throw new InvalidOperationException("Not now."));
        running.SetResult();
        await cancelled.Task;
        throw new OperationCanceledException(token);
    });

    private ParallelRunner CreateRunner() => new(Options.Create(new ParallelLimits()), _services.GetRequiredService<IMeterFactory>(), TimeProvider.System);
}
