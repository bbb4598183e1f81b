using System.Collections.Concurrent;
using LlmAspire.KillTest.Stack;

namespace LlmAspire.KillTest.Load;

/// <summary>Many people who chat, one question after the other, until they are told to stop.</summary>
internal sealed class ChatLoad : IAsyncDisposable
{
    /// <summary>Longer than any answer takes, freezes and outages within it included.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan PauseAfterRefusal = TimeSpan.FromMilliseconds(500);

    private readonly IReadOnlyList<(string Name, Uri Url)> _apis;
    private readonly IReadOnlyList<Person> _known;
    private readonly LimitedOrganisations? _limited;
    private readonly ChatClient _client = new(Patience);
    private readonly ConcurrentQueue<SeenAnswer> _answers = new();
    private readonly CancellationTokenSource _aborted = new();
    private readonly Task[] _people;
    private volatile bool _stopped;
    private int _running;

    private ChatLoad(KillStack stack, IReadOnlyList<Person> known, LimitedOrganisations? limited, int streams, int seed)
    {
        _known = known;
        _limited = limited;
        _apis = [.. stack.Apis.Select(api => (api.Name, api.Url))];
        _people =
        [
            .. Enumerable.Range(0, streams).Select(person => ChatAsync(QuestionsOf(seed, person), questions => questions.Pick(_known))),
            .. Enumerable.Range(streams, limited is null ? 0 : LimitedOrganisations.Askers).Select(person => ChatAsync(QuestionsOf(seed, person), _ => limited!.Asker)),
        ];
    }

    public IReadOnlyCollection<SeenAnswer> Answers => _answers;

    public int Running => Volatile.Read(ref _running);

    /// <param name="known">Who asks, each in many places.</param>
    /// <param name="limited">Who asks besides, as long as they may.</param>
    public static ChatLoad Start(KillStack stack, IReadOnlyList<Person> known, LimitedOrganisations? limited, int streams, int seed) =>
        new(stack, known, limited, streams, seed);

    /// <summary>Waits until so many answers have ended.</summary>
    public async Task WaitForAnswersAsync(int count, CancellationToken cancellationToken)
    {
        while (_answers.Count(answer => answer.FinishReason is not null) < count)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }

    /// <summary>Waits until a limited organisation has used up its month, but not longer than <paramref name="patience"/>.</summary>
    public async Task WaitForUsedUpAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        for (var deadline = DateTimeOffset.UtcNow + patience; DateTimeOffset.UtcNow < deadline && !_answers.Any(LimitedOrganisations.IsUsedUp);)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }

    /// <summary>Asks nothing more, and waits until the answers that are being read have ended.</summary>
    public async Task StopAsync()
    {
        _stopped = true;
        await Task.WhenAll(_people);
    }

    public async ValueTask DisposeAsync()
    {
        await _aborted.CancelAsync();
        await Task.WhenAll(_people).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _aborted.Dispose();
        _client.Dispose();
    }

    private static Questions QuestionsOf(int seed, int person) => new(new Random(HashCode.Combine(seed, person)));

    private async Task ChatAsync(Questions questions, Func<Questions, Person> pick)
    {
        // Not in the constructor, and not all in the same moment.
        await Task.Delay(questions.Pause(), _aborted.Token);
        while (!_stopped)
        {
            Interlocked.Increment(ref _running);
            var answer = await _client.AskAsync(questions.Pick(_apis), questions.Next(pick(questions)), _aborted.Token);
            Interlocked.Decrement(ref _running);
            _answers.Enqueue(answer);
            _limited?.Note(answer);
            if (answer is { FinishReason: null, WentAway: false })
            {
                await Task.Delay(LimitedOrganisations.IsRefusal(answer) ? PauseAfterRefusal : PauseAfterFailure, _aborted.Token);
            }
        }
    }
}
