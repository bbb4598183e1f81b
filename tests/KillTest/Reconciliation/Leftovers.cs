using LlmAspire.KillTest.Stack;

namespace LlmAspire.KillTest.Reconciliation;

/// <summary>What has to be empty when nobody calls any more.</summary>
internal sealed record Leftovers(long OpenCalls, long InboxEvents, long ReservedTokens, IReadOnlyList<string> SpoolFiles)
{
    private const string Query = """
        SELECT (SELECT count(*) FROM ledger.open_call), (SELECT count(*) FROM ledger.usage_inbox),
            (SELECT coalesce(sum(abs(reserved_tokens)), 0)::bigint FROM ledger.allowance)
        """;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);

    public bool Any => OpenCalls != 0 || InboxEvents != 0 || ReservedTokens != 0 || SpoolFiles.Count != 0;

    public override string ToString() =>
        $"{OpenCalls} open calls, {InboxEvents} events in the inbox, {ReservedTokens} reserved tokens, {SpoolFiles.Count} spool files {string.Join(' ', SpoolFiles)}";

    /// <summary>Waits until nothing is left, but not longer than <paramref name="patience"/>.</summary>
    public static async Task<Leftovers> WaitAsync(KillStack stack, TimeSpan patience, CancellationToken cancellationToken)
    {
        var deadline = DateTimeOffset.UtcNow + patience;
        while (true)
        {
            var left = await ReadAsync(stack, cancellationToken);
            if (!left.Any || DateTimeOffset.UtcNow > deadline)
            {
                return left;
            }

            await Task.Delay(Poll, cancellationToken);
        }
    }

    private static async Task<Leftovers> ReadAsync(KillStack stack, CancellationToken cancellationToken)
    {
        await using var command = stack.Postgres.Source.CreateCommand(Query);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new Leftovers(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), [.. stack.SpoolFiles]);
    }
}
