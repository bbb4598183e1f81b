using System.Text.Json;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>Sends entries of a spool to PostgreSQL. Sending one twice is harmless. Safe to call concurrently.</summary>
internal sealed class SpoolSender(InboxTable inbox, OpenCallTable openCalls, IEnumerable<IRunReplay> runs)
{
    /// <param name="entries">In the order in which they came.</param>
    /// <param name="isRunning">
    /// Whether this process still runs a call: then it is opened. One that is over has its settle in the inbox, and opening it again would leave it open. Null for the
    /// entries of a process that is gone: what it had only opened becomes interrupted.
    /// </param>
    /// <returns>The entries that were sent; and those that this version cannot read or PostgreSQL does not take, with the reasons. They hold up no other.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away, or takes none of them.</exception>
    public async Task<(IReadOnlyList<SpoolEntry> Sent, IReadOnlyList<(SpoolEntry Entry, Exception Reason)> Held)> SendAsync(
        IReadOnlyList<SpoolEntry> entries, Func<Guid, bool>? isRunning, CancellationToken cancellationToken)
    {
        List<(SpoolEntry Entry, Exception Reason)> held = [];
        List<(SpoolEntry, UsageEvent)> events = [];
        List<(SpoolEntry, OpenCall)> open = [];
        List<(SpoolEntry, string)> records = [];
        foreach (var entry in entries)
        {
            try
            {
                switch (entry.Kind)
                {
                    case SpoolKind.Open when isRunning is null:
                        events.Add((entry, entry.ToInterrupted()));
                        break;
                    case SpoolKind.Open when isRunning(entry.CallId):
                        open.Add((entry, entry.ToOpenCall()));
                        break;
                    case SpoolKind.Open:
                        break;
                    case SpoolKind.Settle:
                        events.Add((entry, entry.ToUsageEvent()));
                        break;
                    case SpoolKind.Run when runs.Any():
                        records.Add((entry, entry.Body));
                        break;
                    case SpoolKind.Run:
                        throw new JsonException("It is a record of a run, and this service has no runs.");
                    default:
                        throw new JsonException($"It is of kind {(int)entry.Kind}, which this version does not know.");
                }
            }
            catch (Exception exception)
            {
                // Reading needs nothing but the entry: it is the entry's fault.
                held.Add((entry, exception));
            }
        }

        await SendAsync(events, inbox.InsertAsync, held, cancellationToken);
        await SendAsync(records, ReplayAsync, held, cancellationToken);
        // Without a limit: they were admitted, and run.
        await SendAsync(open, async (calls, token) => await openCalls.InsertAsync(calls, token), held, cancellationToken);

        return ([.. entries.Except(held.Select(one => one.Entry))], held);
    }

    /// <summary>All at once; when one of them cannot be sent, each alone.</summary>
    private static async Task SendAsync<T>(
        IReadOnlyList<(SpoolEntry Entry, T Item)> items,
        Func<IReadOnlyList<T>, CancellationToken, Task> send,
        List<(SpoolEntry Entry, Exception Reason)> held,
        CancellationToken cancellationToken)
    {
        if (items.Count == 0)
        {
            return;
        }

        try
        {
            await send([.. items.Select(item => item.Item)], cancellationToken);
        }
        catch (Exception exception) when (IsOfEntry(exception) && items.Count == 1)
        {
            held.Add((items[0].Entry, exception));
        }
        catch (Exception exception) when (IsOfEntry(exception))
        {
            foreach (var item in items)
            {
                await SendAsync([item], send, held, cancellationToken);
            }
        }
    }

    private static bool IsOfEntry(Exception exception) =>
        exception is JsonException || (exception is PostgresException refused && SqlErrors.IsDataError(refused));

    private async Task ReplayAsync(IReadOnlyList<string> records, CancellationToken cancellationToken)
    {
        foreach (var replay in runs)
        {
            await replay.ReplayAsync(records, cancellationToken);
        }
    }
}
