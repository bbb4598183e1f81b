using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Llm.Concurrency;

/// <summary>
/// Runs work, many items at once, within <see cref="ParallelLimits"/>: for each organisation, for each model, and in all. Organisations that wait take turns,
/// so that one that floods the process does not starve the others; within one, items of the same model begin in the order in which they were given.
/// Safe to use from several threads.
/// </summary>
/// <remarks>
/// <para>Each item has a result, whatever happens: a failure or a cancellation of one says nothing of the others, unless
/// <see cref="ParallelRunOptions{T}"/> says so.</para>
/// <para>Work that gives further items to the runner waits for them in its own place. So that it cannot wait for the place that it holds itself, work inside
/// work has limits of its own, as large, at each depth.</para>
/// <para>Nothing outlives its caller: each method ends when all its work has ended. At shutdown nothing new begins, and what runs is waited for; it is
/// cancelled when the host's shutdown time-out is up.</para>
/// </remarks>
public sealed class ParallelRunner : IHostedService, IDisposable
{
    private static readonly AsyncLocal<int> Depth = new();

    private readonly ConcurrentDictionary<int, FairQueue> _queues = new();
    private readonly ConcurrentDictionary<Task, bool> _executions = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource _deadline = new();
    private readonly ParallelLimits _limits;
    private readonly ParallelMetrics _metrics;
    private readonly TimeProvider _time;

    public ParallelRunner(IOptions<ParallelLimits> limits, IMeterFactory meters, TimeProvider time)
    {
        (_limits, _metrics, _time) = (limits.Value, new ParallelMetrics(meters), time);
    }

    /// <summary>Runs one item when there is room for it.</summary>
    /// <returns>What its work returns. What the work throws is thrown.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled, or the service stops.</exception>
    public async Task<T> RunAsync<T>(ParallelItem<T> item, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(item);
        using var run = new Run<T>(new ParallelRunOptions<T>(), cancellationToken);
        var result = await ExecuteAsync(item, 0, run);
        if (result is { Outcome: ParallelOutcome.Failed, Exception: { } exception })
        {
            ExceptionDispatchInfo.Throw(exception);
        }

        return result.Outcome == ParallelOutcome.Succeeded ? result.Value! : throw new OperationCanceledException(cancellationToken);
    }

    /// <summary>Runs all items.</summary>
    /// <param name="cancellationToken">Cancels what runs and what waits: their results say so.</param>
    /// <returns>The results, in the order of the items, when all have ended.</returns>
    public async Task<IReadOnlyList<ParallelResult<T>>> RunAsync<T>(
        IReadOnlyList<ParallelItem<T>> items, ParallelRunOptions<T>? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        using var run = new Run<T>(options ?? new ParallelRunOptions<T>(), cancellationToken);
        return await Task.WhenAll(Begin(items, run));
    }

    /// <summary>Runs all items; they begin when the stream is read.</summary>
    /// <param name="cancellationToken"><inheritdoc cref="RunAsync{T}(IReadOnlyList{ParallelItem{T}}, ParallelRunOptions{T}?, CancellationToken)" path="/param[@name='cancellationToken']"/></param>
    /// <returns>The results as the items end. Who leaves the stream early cancels the items that are left, and leaves when they have ended.</returns>
    public async IAsyncEnumerable<ParallelResult<T>> StreamAsync<T>(
        IReadOnlyList<ParallelItem<T>> items,
        ParallelRunOptions<T>? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        using var run = new Run<T>(options ?? new ParallelRunOptions<T>(), cancellationToken);
        var all = Begin(items, run);
        try
        {
            await foreach (var one in Task.WhenEach(all).WithCancellation(CancellationToken.None))
            {
                yield return await one;
            }
        }
        finally
        {
            run.Stop();
            await Task.WhenAll(all);
        }
    }

    Task IHostedService.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Begins nothing any more, and ends when what runs has ended.</summary>
    Task IHostedService.StopAsync(CancellationToken cancellationToken)
    {
        if (_closing.IsCancellationRequested)
        {
            // Hosts stop more than once.
            return Task.CompletedTask;
        }

        Close();
        return EndAsync(cancellationToken);
    }

    public void Dispose()
    {
        _closing.Dispose();
        _deadline.Dispose();
        foreach (var queue in _queues.Values)
        {
            queue.Dispose();
        }
    }

    /// <summary>Here and now: what ends meanwhile must not let another begin.</summary>
    private void Close() => Cancel(_closing);

    /// <summary>What work does when its token is cancelled may fail: that is no failure of who cancels, nor of the other work.</summary>
    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (AggregateException)
        {
            // Each was told nevertheless.
        }
    }

    private async Task EndAsync(CancellationToken timeIsUp)
    {
        await Task.WhenAll(_executions.Keys).WaitAsync(timeIsUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _deadline.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private Task<ParallelResult<T>>[] Begin<T>(IReadOnlyList<ParallelItem<T>> items, Run<T> run) =>
        [.. items.Select((item, index) => ExecuteAsync(item, index, run))];

    private async Task<ParallelResult<T>> ExecuteAsync<T>(ParallelItem<T> item, int index, Run<T> run)
    {
        var execution = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _executions[execution.Task] = true;
        using var measured = _metrics.Begin(item.Model, item.Operation);
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(run.Token, item.Cancellation, _deadline.Token);
        var given = _time.GetTimestamp();
        long? began = null;
        try
        {
            using var place = await WaitAsync(item.OrgId, item.Model, cancellation.Token);
            cancellation.Token.ThrowIfCancellationRequested();
            began = _time.GetTimestamp();
            measured.Started(_time.GetElapsedTime(given, began.Value));
            Depth.Value++;
            return await WorkAsync();
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested || began is null)
        {
            return Ended(ParallelOutcome.Cancelled, default, null, false);
        }
        catch (Exception exception)
        {
            return Ended(ParallelOutcome.Failed, default, exception, false);
        }
        finally
        {
            _executions.TryRemove(execution.Task, out _);
            execution.SetResult();
        }

        // It still has its place: what its end stops cannot begin in it.
        async Task<ParallelResult<T>> WorkAsync()
        {
            try
            {
                var value = await item.Work(cancellation.Token);
                return Ended(ParallelOutcome.Succeeded, value, null, run.Accepts(value));
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !cancellation.IsCancellationRequested)
            {
                run.Failed();
                throw;
            }
        }

        ParallelResult<T> Ended(ParallelOutcome outcome, T? value, Exception? exception, bool isAccepted)
        {
            measured.Ended(outcome);
            var end = _time.GetTimestamp();
            return new ParallelResult<T>(
                index, outcome, value, exception, isAccepted,
                _time.GetElapsedTime(given, began ?? end), began is { } beginning ? _time.GetElapsedTime(beginning, end) : null);
        }
    }

    private async Task<IDisposable> WaitAsync(Guid orgId, string? model, CancellationToken cancellationToken)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        leaving.Token.ThrowIfCancellationRequested();
        // What the caller gives is queued here and now, in its order.
        var place = await _queues.GetOrAdd(Depth.Value, _ => new FairQueue(_limits)).WaitAsync(orgId, model, leaving.Token);
        // Whoever freed the place goes on, however long the work computes. This way it is first in, first out.
        await Task.Yield();
        return place;
    }

    /// <summary>What the items of one call have in common.</summary>
    private sealed class Run<T>(ParallelRunOptions<T> options, CancellationToken cancellationToken) : IDisposable
    {
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        private readonly Lock _lock = new();
        private bool _isAccepted;

        public CancellationToken Token => _stop.Token;

        public void Stop() => Cancel(_stop);

        public void Failed()
        {
            if (options.StopOnFailure)
            {
                Stop();
            }
        }

        /// <summary>True for one value, which stops the others.</summary>
        public bool Accepts(T value)
        {
            if (options.Accept is not { } accept)
            {
                return false;
            }

            lock (_lock)
            {
                if (_isAccepted || !accept(value))
                {
                    return false;
                }

                _isAccepted = true;
            }

            Stop();
            return true;
        }

        public void Dispose() => _stop.Dispose();
    }
}
