using LlmAspire.KillTest.Load;

namespace LlmAspire.KillTest.Reconciliation;

/// <summary>The comparison of what was served, what the clients saw, and what the ledger says.</summary>
internal sealed record Findings
{
    private const string Completed = "completed";
    private const string Interrupted = "interrupted";
    private const string Provider = "provider";

    public required int Served { get; init; }

    public required int Rows { get; init; }

    /// <summary>Served calls without a row.</summary>
    public required IReadOnlyList<string> Lost { get; init; }

    /// <summary>Rows beyond the first for one call.</summary>
    public required IReadOnlyList<string> Duplicated { get; init; }

    /// <summary>Rows that say something else than the gateway, or than the client was told.</summary>
    public required IReadOnlyList<string> Wrong { get; init; }

    /// <summary>Rows of calls that were never served, by outcome.</summary>
    public required IReadOnlyDictionary<string, int> Unserved { get; init; }

    /// <summary>Provisional rows that a late settle replaced.</summary>
    public required int Replaced { get; init; }

    /// <summary>Served calls by what their row says where its numbers are from.</summary>
    public required IReadOnlyList<TokenComparison> Tokens { get; init; }

    public static Findings Compare(IReadOnlyList<ServedCall> served, IReadOnlyList<LedgerRow> rows, IReadOnlyList<SeenAnswer> answers)
    {
        var rowsOfCall = rows.GroupBy(row => row.CallId).ToDictionary(call => call.Key, call => call.ToList());
        var servedById = served.GroupBy(call => call.CallId).ToDictionary(call => call.Key, call => call.ToList());
        var rowById = rows.ToDictionary(row => row.Id);
        List<string> wrong = [];
        foreach (var row in rows)
        {
            wrong.AddRange(Check(row, servedById.GetValueOrDefault(row.CallId)?[0]));
        }

        foreach (var answer in answers)
        {
            wrong.AddRange(Check(answer, rowById));
        }

        return new Findings
        {
            Served = served.Count,
            Rows = rows.Count,
            // A call that the gateway served twice under one id has one row too few.
            Lost = [.. servedById.SelectMany(call => Enumerable.Repeat(call.Key, call.Value.Count).Skip(rowsOfCall.ContainsKey(call.Key) ? 1 : 0))],
            Duplicated = [.. rowsOfCall.SelectMany(call => call.Value.OrderBy(row => row.Id.ToString() != call.Key).Skip(1).Select(row => $"{call.Key} has also the row {row.Id}"))],
            Wrong = wrong,
            Unserved = rows.Where(row => !servedById.ContainsKey(row.CallId)).CountBy(row => row.Outcome).ToDictionary(),
            Replaced = rows.Count(row => row.Replaced),
            Tokens = [.. TokenComparison.Of(from row in rows where servedById.ContainsKey(row.CallId) select (row, servedById[row.CallId][0]))],
        };
    }

    private static IEnumerable<string> Check(LedgerRow row, ServedCall? call)
    {
        if (row.Id.ToString() != row.CallId)
        {
            yield return $"{row.Id}: is of the gateway's call {row.CallId}";
        }

        if (call is null)
        {
            // Who left before the gateway took the call has a row too; nothing can have been spent on it.
            var plausible = row.Outcome is Interrupted or "failed" || row is { Outcome: "stopped" or "disconnected", CompletionTokens: 0 };
            if (!plausible || row.Source == Provider)
            {
                yield return $"{row.Id}: {row.Outcome}, {row.Source}, {row.Tokens} tokens, but never served";
            }

            yield break;
        }

        if (row.Source == Provider && (row.PromptTokens, row.CompletionTokens, row.CachedTokens, row.CacheWriteTokens, row.ReasoningTokens)
            != (call.PromptTokens, call.CompletionTokens, call.CachedTokens, call.CacheWriteTokens, call.ReasoningTokens))
        {
            yield return $"{row.Id}: {row.Outcome} {row.PromptTokens}/{row.CompletionTokens}/{row.CachedTokens}/{row.CacheWriteTokens}/{row.ReasoningTokens}, but served "
                + $"{call.PromptTokens}/{call.CompletionTokens}/{call.CachedTokens}/{call.CacheWriteTokens}/{call.ReasoningTokens}";
        }

        if (row.Outcome == Completed && call.Outcome is "failed" or "client_gone")
        {
            yield return $"{row.Id}: completed, but the gateway says {call.Outcome}";
        }

        if (row.Source == "none" && row.Tokens != 0)
        {
            yield return $"{row.Id}: {row.Tokens} tokens from nowhere";
        }
    }

    private static IEnumerable<string> Check(SeenAnswer answer, Dictionary<Guid, LedgerRow> rows)
    {
        foreach (var usage in answer.Usages)
        {
            if (!rows.TryGetValue(usage.CallId, out var row))
            {
                yield return $"{usage.CallId}: the client saw its usage, but there is no row";
            }
            else if (usage != SeenUsage.From(row))
            {
                yield return $"{usage.CallId}: the client saw {usage}, the row says {SeenUsage.From(row)}";
            }
        }

        if (answer.FinishReason is { } reason && answer.Usages.Count == 0)
        {
            yield return $"run {answer.RunId}: ended with {reason} without any usage";
        }
        else if (answer.FinishReason is not (null or SeenAnswer.Stopped) && answer.Usages[^1].Outcome != Completed)
        {
            yield return $"run {answer.RunId}: ended with {answer.FinishReason}, but its call is {answer.Usages[^1].Outcome}";
        }
    }
}
