using System.Collections.Concurrent;
using LlmAspire.Api.Conversations;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Chat;

/// <summary>
/// The runs that this process makes. They belong to it and not to the requests that asked for them: a shutdown lasts until they have ended, which
/// <c>Usage:ShutdownGrace</c> bounds. Safe to use from several threads.
/// </summary>
internal sealed class ChatRuns(IChatClient client, ConversationTitles titles, SpoolFile spool) : IHostedService
{
    private readonly ConcurrentDictionary<Guid, (ChatRun Run, Task Execution)> _runs = new();

    private bool IsAllInPostgres => spool.Count == 0;

    /// <summary>Those that are being made, and those that are over but not readable in PostgreSQL yet.</summary>
    public IEnumerable<ChatRun> All => _runs.Values.Select(one => one.Run);

    /// <summary>Begins to answer.</summary>
    /// <param name="place">What the run takes as long as it lasts; disposed of then.</param>
    public void Start(ChatRun run, IDisposable place) => _runs[run.Id] = (run, RunAsync(run, place));

    /// <summary>Takes in a run that is made together with others.</summary>
    /// <param name="execution">Ends when nothing of it is left to do.</param>
    public void Add(ChatRun run, Task execution) => _runs[run.Id] = (run, execution);

    /// <summary>The run of this user; null when another process makes it, or took it over, or when PostgreSQL knows how it ended: who continues it is known there.</summary>
    public ChatRun? Find(Guid id, Guid userId) =>
        FindLocal(id) is { IsFenced: false } run && run.UserId == userId && !(run.IsOver && IsAllInPostgres) ? run : null;

    public ChatRun? FindLocal(Guid id) => _runs.TryGetValue(id, out var one) ? one.Run : null;

    /// <summary>Forgets what is over and can be read from PostgreSQL.</summary>
    public void RemoveEnded()
    {
        foreach (var one in _runs)
        {
            if (IsAllInPostgres && one.Value.Execution.IsCompleted && _runs.TryRemove(one))
            {
                one.Value.Run.Dispose();
            }
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_runs.Values.Select(one => one.Execution)).WaitAsync(cancellationToken);

    /// <summary>What lasts as long as a run begins and ends here.</summary>
    private async Task RunAsync(ChatRun run, IDisposable place)
    {
        // The request that asked for it may end before.
        await Task.Yield();
        using (place)
        {
            await run.ExecuteAsync(client);
        }

        if (run.Answer is { } answer)
        {
            await titles.GiveAsync(run.Plan, answer);
        }
    }
}
