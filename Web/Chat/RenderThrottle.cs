namespace LlmAspire.Web.Chat;

/// <summary>
/// Turns many signals into few renders: at once for the first, then at most one an interval, and
/// always one after the last signal. Renders that take long are further apart. Thread-safe; the render is called on a timer's thread.
/// </summary>
internal sealed class RenderThrottle : IDisposable
{
    /// <summary>So many times as long as a render takes is the time to the next: a fifth of a circuit's time is the most that one answer takes.</summary>
    private const int Share = 5;

    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly Action _render;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private long _last;
    private TimeSpan _cost;
    private bool _armed;

    public RenderThrottle(TimeProvider time, TimeSpan interval, Action render)
    {
        _time = time;
        _interval = interval;
        _render = render;
        _last = time.GetTimestamp() - (long)(interval.TotalSeconds * time.TimestampFrequency);
        _timer = time.CreateTimer(_ => Fire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Signal()
    {
        lock (_gate)
        {
            if (_armed)
            {
                return;
            }

            _armed = true;
            var apart = _cost * Share > _interval ? _cost * Share : _interval;
            var due = apart - _time.GetElapsedTime(_last);
            _timer.Change(due > TimeSpan.Zero ? due : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>How long the last render took.</summary>
    public void Report(TimeSpan cost)
    {
        lock (_gate)
        {
            _cost = cost;
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Fire()
    {
        lock (_gate)
        {
            _armed = false;
            _last = _time.GetTimestamp();
        }

        _render();
    }
}
