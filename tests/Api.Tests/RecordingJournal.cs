using LlmAspire.Api.Chat.Runs;

namespace LlmAspire.Api.Tests;

/// <summary>Keeps the records of runs in memory.</summary>
internal sealed class RecordingJournal : IRunJournal
{
    private readonly Lock _lock = new();
    private readonly List<RunRecord> _records = [];

    public IReadOnlyList<RunRecord> Records
    {
        get
        {
            lock (_lock)
            {
                return [.. _records];
            }
        }
    }

    public Task WriteAsync(RunRecord record, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _records.Add(record);
        }

        return Task.CompletedTask;
    }
}
