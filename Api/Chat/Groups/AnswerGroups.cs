using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Conversations;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Llm.Concurrency;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Chat.Groups;

/// <summary>
/// Makes several answers to one message, each a run of its own: one that fails, or is stopped, ends nothing but itself. Like single runs they belong to the
/// process and not to the request. Safe to use from several threads.
/// </summary>
internal sealed partial class AnswerGroups(
    ChatRuns runs,
    ParallelRunner runner,
    IChatClient client,
    ConversationTitles titles,
    IRunJournal journal,
    ActiveCalls active,
    IOptions<AccountingOptions> accounting,
    TimeProvider time,
    ILogger<AnswerGroups> logger)
{
    /// <summary>Begins to answer.</summary>
    /// <param name="places">What each run takes as long as it lasts, in their order; disposed of then.</param>
    /// <param name="check">What the first good answer has to pass, which stops the others; null when all are wanted.</param>
    public AnswerGroup Start(IReadOnlyList<ChatRun> answers, IReadOnlyList<IDisposable> places, AnswerCheck? check)
    {
        var winner = new TaskCompletionSource<GroupWinner?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var done = RunAsync(answers, places, check, winner);
        var execution = NameAsync(answers, done);
        foreach (var run in answers)
        {
            runs.Add(run, execution);
        }

        return new AnswerGroup(answers, winner.Task, done);
    }

    private async Task<GroupDone> RunAsync(
        IReadOnlyList<ChatRun> answers, IReadOnlyList<IDisposable> places, AnswerCheck? check, TaskCompletionSource<GroupWinner?> winner)
    {
        // The request that asked for it may end before.
        await Task.Yield();
        foreach (var run in answers)
        {
            // All now, also those that wait for their turn: one that is written down later would bring back a conversation that was deleted meanwhile.
            run.Begin();
        }

        var items = answers.Zip(places, (run, place) => new ParallelItem<Answered>(
            run.Plan.Context.OrgId, run.Plan.Context.ModelAlias, run.Plan.Context.Operation, token => AnswerAsync(run, place, token))
        {
            Cancellation = run.Stopping,
        }).ToList();
        var results = new ParallelResult<Answered>[items.Count];
        try
        {
            await foreach (var result in runner.StreamAsync(items, new ParallelRunOptions<Answered> { Accept = check is null ? null : one => check.Passes(one.Answer.FinishReason, one.Text) }))
            {
                results[result.Index] = result;
                if (result.Duration is null)
                {
                    // Stopped, or beaten, before its turn: it ends all the same, without a call. When the service stops, its call is refused, and it can be continued.
                    if (!active.IsStopping)
                    {
                        answers[result.Index].Stop();
                    }

                    results[result.Index] = result with { Value = await AnswerAsync(answers[result.Index], places[result.Index], CancellationToken.None) };
                }
                else if (result is { IsAccepted: true, Value.Answer: { } best })
                {
                    await ChooseAsync(answers[result.Index].Plan);
                    winner.SetResult(new GroupWinner(best.RunId, best.MessageId, best.Model, best.DurationMs));
                }
            }
        }
        finally
        {
            winner.TrySetResult(null);
        }

        return ToDone(answers[0].Plan, results);
    }

    /// <summary>Never fails.</summary>
    private async Task<Answered> AnswerAsync(ChatRun run, IDisposable place, CancellationToken cancellationToken)
    {
        using (place)
        {
            await using var stopping = cancellationToken.Register(run.Stop);
            await run.ExecuteAsync(client);
        }

        List<CallUsage> calls = [];
        ChatEvent? last = null;
        await foreach (var item in run.ReadEventsAsync(0, CancellationToken.None))
        {
            last = item.Data;
            if (last is CallUsage usage)
            {
                calls.Add(usage);
            }
        }

        return new Answered(
            new GroupAnswer(
                run.Id,
                run.Plan.MessageId,
                run.Plan.Context.ModelAlias,
                run.Status,
                (last as RunDone)?.FinishReason,
                0,
                calls.Sum(call => call.DurationMs),
                calls.Count > 0 && calls.TrueForAll(call => call.Source == UsageSource.Provider),
                null),
            run.Answer ?? "");
    }

    /// <summary>Makes the winner current, unless the user has gone elsewhere in the conversation.</summary>
    private async Task ChooseAsync(RunPlan winner)
    {
        using var patience = new CancellationTokenSource(accounting.Value.SettleTimeout, time);
        try
        {
            await journal.WriteAsync(new RunChosen(winner.RunId, winner.ConversationId, winner.MessageId), patience.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or LedgerUnavailableException)
        {
            LogNotChosen(logger, exception, winner.RunId);
        }
    }

    /// <summary>What lasts as long as the runs: a new conversation gets its name by the first of the answers that are complete.</summary>
    private async Task NameAsync(IReadOnlyList<ChatRun> answers, Task<GroupDone> done)
    {
        var winner = (await done).WinnerRunId;
        if (answers.Where(run => run.Answer is not null).OrderByDescending(run => run.Id == winner).FirstOrDefault() is { } named)
        {
            await titles.GiveAsync(named.Plan, named.Answer!);
        }
    }

    private static GroupDone ToDone(RunPlan plan, IReadOnlyList<ParallelResult<Answered>> results)
    {
        var won = results.SingleOrDefault(result => result.IsAccepted);
        List<GroupAnswer> answers = [.. results.Select(result => result.Value!.Answer with
        {
            WaitedMs = Milliseconds(result.Waited),
            // All were given at the same moment.
            StoppedAfterMs = won is not null && result.Value!.Answer.Status == MessageStatus.Stopped
                ? Math.Max(Milliseconds(won.Waited + won.Duration!.Value - result.Waited), 0)
                : null,
        })];
        List<int> known = won is null ? [] : [.. answers.Where(one => one is { Status: MessageStatus.Stopped, IsWhole: true }).Select(one => one.DurationMs)];
        return new GroupDone(
            plan.Context.RequestId, plan.ConversationId, won?.Value!.Answer.RunId, known is [] ? null : known.Max() - won!.Value!.Answer.DurationMs, answers);
    }

    private static int Milliseconds(TimeSpan time) => (int)time.TotalMilliseconds;

    [LoggerMessage(LogLevel.Error, "That run {RunId} won its race is not written down: the conversation stays at another answer")]
    private static partial void LogNotChosen(ILogger logger, Exception exception, Guid runId);

    /// <param name="Text">The whole answer; empty when it is not complete.</param>
    private sealed record Answered(GroupAnswer Answer, string Text);
}
