namespace LlmAspire.Api.Llm;

/// <summary>
/// Ends a call whose gateway is silent for too long, or that lasts too long. One that is not settled a while after that it settles. Thread-safe: bytes may come a thousand
/// times a second, so each read only notes the time, and the timer is set anew when it has run off.
/// </summary>
internal sealed class CallWatch : IDisposable
{
    private const long Never = long.MinValue;

    private readonly ProviderCall _call;
    private readonly CallAccounting _accounting;
    private readonly long _started;
    private readonly ITimer _timer;

    private long _awaitedSince = Never;
    private long _endedAt = Never;

    /// <param name="started">When the call began, a timestamp of the accounting's time.</param>
    public CallWatch(ProviderCall call, CallAccounting accounting, long started)
    {
        (_call, _accounting, _started) = (call, accounting, started);
        _timer = accounting.Time.CreateTimer(static watch => ((CallWatch)watch!).Check(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The call is made: from now on its gateway may be silent for as long as it may.</summary>
    public void Start()
    {
        AwaitBytes();
        Wait(_accounting.Gateway.Value.AnswerTimeout);
    }

    public void AwaitBytes() => Volatile.Write(ref _awaitedSince, _accounting.Time.GetTimestamp());

    public void TakeBytes() => Volatile.Write(ref _awaitedSince, Never);

    public void Dispose() => _timer.Dispose();

    private void Check()
    {
        if (_call.IsSettling)
        {
            return;
        }

        var settleTimeout = _accounting.Options.Value.SettleTimeout;
        if (_endedAt != Never && Since(_endedAt) >= settleTimeout)
        {
            _call.SettleOverdue();
            return;
        }

        var left = Left();
        if (_endedAt == Never && left > TimeSpan.Zero)
        {
            Wait(left);
            return;
        }

        if (_endedAt == Never)
        {
            _endedAt = _accounting.Time.GetTimestamp();
        }

        // Before the end, which tells others, who may throw.
        Wait(settleTimeout);
        _call.End();
    }

    /// <summary>Until the gateway has been silent for too long, or the call is too old.</summary>
    private TimeSpan Left()
    {
        var since = Volatile.Read(ref _awaitedSince);
        var ofSilence = _accounting.Gateway.Value.AnswerTimeout - (since == Never ? TimeSpan.Zero : Since(since));
        var ofAll = _accounting.Options.Value.MaxDuration - Since(_started);
        return ofSilence < ofAll ? ofSilence : ofAll;
    }

    private TimeSpan Since(long timestamp) => _accounting.Time.GetElapsedTime(timestamp);

    private void Wait(TimeSpan time) => _timer.Change(time, Timeout.InfiniteTimeSpan);
}
