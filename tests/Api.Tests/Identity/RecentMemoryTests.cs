using LlmAspire.Api.Identity;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Api.Tests.Identity;

public sealed class RecentMemoryTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly RecentMemory<int, string> _memory;
    private readonly Dictionary<int, string> _stored = new() { [1] = "one", [2] = "two" };
    private readonly List<int[]> _reads = [];
    private TaskCompletionSource? _pause;

    public RecentMemoryTests() => _memory = new RecentMemory<int, string>(ReadAsync, _time, keepFresh: true);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task what_is_in_use_is_read_again_before_anybody_waits_for_it()
    {
        Assert.Equal("one", await FindAsync(1));
        Assert.Equal("two", await FindAsync(2));

        await AdvanceAsync(() => _reads.Count > 2);

        Assert.Equal([1, 2], _reads[2].Order());
        var reads = _reads.Count;
        Assert.Equal("one", await FindAsync(1));
        Assert.Equal(reads, _reads.Count);
    }

    [Fact]
    public async Task a_value_that_is_gone_is_noticed_by_the_reading_ahead()
    {
        await FindAsync(1);
        lock (_stored)
        {
            _stored.Remove(1);
        }

        await AdvanceAsync(() => _reads.Count > 1);

        Assert.Null(await FindAsync(1));
    }

    [Fact]
    public async Task what_is_forgotten_while_it_is_read_ahead_stays_forgotten()
    {
        await FindAsync(1);
        _pause = new TaskCompletionSource();
        await AdvanceAsync(() => _reads.Count > 1);
        lock (_stored)
        {
            _stored[1] = "another";
        }

        _memory.Forget(1);
        var pause = _pause;
        _pause = null;
        pause.SetResult();

        Assert.Equal("another", await FindAsync(1));
    }

    [Fact]
    public async Task what_nobody_uses_for_a_minute_is_not_read_any_more()
    {
        await FindAsync(1);
        await AdvanceAsync(() => _reads.Count > 1);
        _time.Advance(TimeSpan.FromMinutes(2));
        await FindAsync(2);

        await AdvanceAsync(() => _reads[^1] is [2] && _reads[^2] is [2]);
    }

    public void Dispose() => _memory.Dispose();

    private Task<string?> FindAsync(int key) => _memory.FindAsync(key, _ => true, Token);

    /// <summary>A second at a time, until it is so.</summary>
    private Task AdvanceAsync(Func<bool> condition) => Until.TrueAsync(() =>
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        lock (_stored)
        {
            return condition();
        }
    });

    private async Task<Dictionary<int, string>> ReadAsync(IReadOnlyCollection<int> keys, CancellationToken cancellationToken)
    {
        Dictionary<int, string> found;
        lock (_stored)
        {
            found = keys.Where(_stored.ContainsKey).ToDictionary(key => key, key => _stored[key]);
            _reads.Add([.. keys]);
        }

        if (_pause is { } pause)
        {
            await pause.Task;
        }

        return found;
    }
}
