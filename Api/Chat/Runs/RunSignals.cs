using System.Collections.Concurrent;
using System.Threading.Channels;
using LlmAspire.Api.Data;
using LlmAspire.Usage;
using Npgsql;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>
/// Wakes who waits for news of a run, on one connection for the whole process. A notification may be lost with the connection: who waits, looks
/// now and then by itself. Safe to use from several threads.
/// </summary>
internal sealed partial class RunSignals(
    [FromKeyedServices(ConnectionPool.Sessions)] NpgsqlDataSource source,
    SchemaReadiness<TenantContext> schema,
    ChatRuns runs,
    TimeProvider time,
    ILogger<RunSignals> logger) : BackgroundService
{
    /// <summary>Where the ids of runs are told that somebody wants to stop.</summary>
    public const string StopChannel = "tenant_run_stop";

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Subscription, Guid> _subscriptions = new();

    /// <summary>To be called before the first look: what comes after that is heard.</summary>
    public Subscription Subscribe(Guid runId)
    {
        var subscription = new Subscription(this, time);
        _subscriptions[subscription] = runId;
        return subscription;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.WhenReadyAsync(stoppingToken);
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2), time);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await ListeningConnection.OpenAsync(source, Hear, [RunTable.Channel, StopChannel], stoppingToken);
                await HearMissedStopsAsync(connection, stoppingToken);
                backoff.Reset();
                while (true)
                {
                    await connection.WaitAsync(Timeout.InfiniteTimeSpan, stoppingToken);
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogDeaf(logger, exception.Message, backoff.Next);
                await backoff.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>What was told while nobody listened is still there to be read.</summary>
    private async Task HearMissedStopsAsync(ListeningConnection connection, CancellationToken cancellationToken)
    {
        await using var missed = connection.CreateCommand("SELECT id FROM tenant.run WHERE id = ANY ($1) AND state = 'running' AND stop_requested");
        missed.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. runs.All.Select(run => run.Id)] });
        await using var reader = await missed.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            runs.FindLocal(reader.GetGuid(0))?.Stop();
        }
    }

    private void Hear(NpgsqlNotificationEventArgs notification)
    {
        var ids = notification.Payload.Split(',').Select(Guid.Parse).ToHashSet();
        if (notification.Channel == StopChannel)
        {
            foreach (var id in ids)
            {
                runs.FindLocal(id)?.Stop();
            }

            return;
        }

        foreach (var (subscription, runId) in _subscriptions)
        {
            if (ids.Contains(runId))
            {
                subscription.Wake();
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "News of runs are not heard ({Reason}): they are looked for, listening again in {Wait}")]
    private static partial void LogDeaf(ILogger logger, string reason, TimeSpan wait);

    /// <summary>For one reader.</summary>
    internal sealed class Subscription(RunSignals signals, TimeProvider time) : IDisposable
    {
        private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

        public void Wake() => _news.Writer.TryWrite(true);

        /// <summary>Ends when there may be news, or when it is time to look.</summary>
        public async Task WaitAsync(CancellationToken cancellationToken)
        {
            using var patience = new CancellationTokenSource(Poll, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
            await ((Task)_news.Reader.ReadAsync(either.Token).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }

        public void Dispose() => signals._subscriptions.TryRemove(this, out _);
    }
}
