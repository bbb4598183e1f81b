using LlmAspire.KillTest.Load;
using LlmAspire.KillTest.Stack;
using Npgsql;

namespace LlmAspire.KillTest.Reconciliation;

/// <summary>Looks at the allowances of limited organisations during the run, whenever PostgreSQL answers.</summary>
internal sealed class AllowanceWatch : IAsyncDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    private readonly KillStack _stack;
    private readonly Guid[] _organisations;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _watching;
    private readonly Dictionary<Guid, string> _broken = [];

    private AllowanceWatch(KillStack stack, LimitedOrganisations limited)
    {
        _stack = stack;
        _organisations = [.. limited.People.Select(person => person.Organisation)];
        _watching = WatchAsync();
    }

    /// <summary>How often it looked.</summary>
    public int Samples { get; private set; }

    /// <summary>The most that was used and reserved at a time, above what is excused.</summary>
    public long Highest { get; private set; }

    /// <summary>The first that was wrong with each organisation.</summary>
    public IReadOnlyCollection<string> Broken => _broken.Values;

    public static async Task<AllowanceWatch> StartAsync(KillStack stack, LimitedOrganisations limited, CancellationToken cancellationToken)
    {
        await AdmissionRecorder.InstallAsync(
            stack.Postgres.Source, limited.People.Select(person => person.Organisation), LimitedOrganisations.Limit, cancellationToken);
        return new AllowanceWatch(stack, limited);
    }

    public async Task StopAsync()
    {
        await _ended.CancelAsync();
        await _watching;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _ended.Dispose();
    }

    private async Task WatchAsync()
    {
        while (!_ended.IsCancellationRequested)
        {
            try
            {
                foreach (var state in await AllowanceState.ReadAsync(_stack.Postgres.Source, _organisations, _ended.Token))
                {
                    Highest = Math.Max(Highest, state.Rows + state.OpenCalls - state.Excused);
                    if (state.Check(LimitedOrganisations.Limit) is { } wrong)
                    {
                        _broken.TryAdd(state.Organisation, $"{state.Organisation} during the run: {wrong}");
                    }
                }

                Samples++;
            }
            catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
            {
                // It is away, or the run is over.
            }

            await Task.Delay(Poll, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
