using System.Collections.Concurrent;

namespace LlmAspire.Api.Chat;

/// <summary>The runs of this process that are not over. Safe to use from several threads.</summary>
internal sealed class ChatRuns
{
    private readonly ConcurrentDictionary<Guid, ChatRun> _runs = new();

    public void Add(ChatRun run) => _runs[run.Id] = run;

    public void Remove(ChatRun run) => _runs.TryRemove(run.Id, out _);

    /// <summary>The run of this user; null when it is over, never was, or is somebody else's.</summary>
    public ChatRun? Find(Guid id, Guid userId) => _runs.TryGetValue(id, out var run) && run.UserId == userId ? run : null;
}
