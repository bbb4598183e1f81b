using LlmAspire.DemoGateway.Chat;
using LlmAspire.DemoGateway.DemoModel;
using LlmAspire.DemoGateway.Faults;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.DemoGateway.Tests;

public class PaceTests
{
    private readonly FakeTimeProvider _time = new() { AutoAdvanceAmount = TimeSpan.Zero };

    [Fact]
    public async Task tokens_come_at_the_configured_pace_after_the_first()
    {
        var steps = Play(tokensPerSecond: 10, firstMs: 200, new TextStep("a"), new TextStep("b"), new TextStep("c"));

        Assert.Equal([200, 300, 400], await DueTimesAsync(steps));
    }

    [Fact]
    public async Task thinking_takes_its_time_before_the_first_visible_token()
    {
        var steps = Play(tokensPerSecond: 10, firstMs: 200, new ReasoningStep(20), new TextStep("a"), new TextStep("b"));

        Assert.Equal([2200, 2200, 2300], await DueTimesAsync(steps));
    }

    [Fact]
    public async Task a_pause_is_not_made_up_for()
    {
        var steps = Play(tokensPerSecond: 10, firstMs: 200, new TextStep("a"), new PauseStep(TimeSpan.FromMilliseconds(750)), new TextStep("b"), new TextStep("c"));

        // The pause begins when the second token would be due.
        Assert.Equal([200, 1050, 1150], await DueTimesAsync(steps));
    }

    [Fact]
    public async Task no_pace_waits_for_nothing()
    {
        var steps = Play(tokensPerSecond: 0, firstMs: 0, [.. Enumerable.Repeat(new TextStep("a"), 1000)]);

        Assert.All(await DueTimesAsync(steps), due => Assert.Equal(0, due));
    }

    [Fact]
    public async Task a_cancelled_answer_stops_where_it_is()
    {
        using var cancellation = new CancellationTokenSource();
        var pacer = new AnswerPacer(new HoldGates(), _time);
        await using var steps = pacer.PlayAsync([new TextStep("a"), new TextStep("b")], new AnswerPace(10, 0), cancellation.Token).GetAsyncEnumerator(TestContext.Current.CancellationToken);

        Assert.True(await steps.MoveNextAsync());
        var second = steps.MoveNextAsync();
        Assert.False(second.IsCompleted);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await second);
    }

    private IAsyncEnumerable<AnswerStep> Play(double tokensPerSecond, double firstMs, params AnswerStep[] steps) =>
        new AnswerPacer(new HoldGates(), _time).PlayAsync(steps, new AnswerPace(tokensPerSecond, firstMs), TestContext.Current.CancellationToken);

    /// <summary>Moves the clock by a millisecond whenever the answer waits, and notes when each step came.</summary>
    private async Task<List<double>> DueTimesAsync(IAsyncEnumerable<AnswerStep> steps)
    {
        var start = _time.GetUtcNow();
        var due = new List<double>();
        await using var enumerator = steps.GetAsyncEnumerator(TestContext.Current.CancellationToken);
        while (true)
        {
            var next = enumerator.MoveNextAsync().AsTask();
            while (!next.IsCompleted)
            {
                _time.Advance(TimeSpan.FromMilliseconds(1));
            }

            if (!await next)
            {
                return due;
            }

            due.Add((_time.GetUtcNow() - start).TotalMilliseconds);
        }
    }
}
