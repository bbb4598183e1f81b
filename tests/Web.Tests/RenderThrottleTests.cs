using LlmAspire.Web.Chat;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Web.Tests;

public class RenderThrottleTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    [Fact]
    public void a_thousand_signals_a_second_are_twenty_renders_and_the_last_is_not_lost()
    {
        var time = new FakeTimeProvider();
        var renders = new List<DateTimeOffset>();
        using var throttle = new RenderThrottle(time, Interval, () => renders.Add(time.GetUtcNow()));
        var start = time.GetUtcNow();

        for (var i = 0; i < 1000; i++)
        {
            throttle.Signal();
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        time.Advance(Interval);
        Assert.InRange(renders.Count, 20, 21);
        Assert.InRange((renders[0] - start).TotalMilliseconds, 0, 1);
        Assert.All(renders.Zip(renders.Skip(1)), pair => Assert.True(pair.Second - pair.First >= Interval));
        Assert.True(renders[^1] - start >= TimeSpan.FromMilliseconds(999));
    }

    [Fact]
    public void after_a_pause_the_next_signal_renders_at_once()
    {
        var time = new FakeTimeProvider();
        var renders = 0;
        using var throttle = new RenderThrottle(time, Interval, () => renders++);
        throttle.Signal();
        time.Advance(TimeSpan.FromSeconds(1));

        throttle.Signal();
        time.Advance(TimeSpan.Zero);

        Assert.Equal(2, renders);
    }

    [Fact]
    public void renders_that_take_long_leave_four_fifths_of_the_time_to_others()
    {
        var time = new FakeTimeProvider();
        var renders = 0;
        using var throttle = new RenderThrottle(time, Interval, () => renders++);
        throttle.Signal();
        time.Advance(TimeSpan.Zero);
        throttle.Report(TimeSpan.FromMilliseconds(200));

        throttle.Signal();
        time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal(1, renders);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(2, renders);
    }
}
