namespace LlmAspire.DemoGateway.Chat;

/// <summary>
/// How long a call goes on: until its client leaves, or, for one that does not end then, until its client has left and the gateway stops.
/// Safe to use from any thread.
/// </summary>
internal sealed class CallLifetime : IDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationTokenRegistration _leaving;
    private readonly CancellationTokenRegistration _stopping;

    public CallLifetime(bool endsWithClient, CancellationToken clientLeft, CancellationToken stopping)
    {
        _leaving = clientLeft.Register(EndWhenOver);
        _stopping = stopping.Register(EndWhenOver);

        void EndWhenOver()
        {
            if (clientLeft.IsCancellationRequested && (endsWithClient || stopping.IsCancellationRequested))
            {
                _ended.Cancel();
            }
        }
    }

    public CancellationToken Token => _ended.Token;

    public void Dispose()
    {
        _leaving.Dispose();
        _stopping.Dispose();
        _ended.Dispose();
    }
}
