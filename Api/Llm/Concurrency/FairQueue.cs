using System.Threading.RateLimiting;

namespace LlmAspire.Api.Llm.Concurrency;

/// <summary>
/// Gives places within the limits to organisations in turns. The limiters count; their own queues are not used, since they serve who came first: an
/// organisation that sends a thousand items would be served a thousand times before the next. Here one that waits gets a place at the latest when each other
/// that waits got one, as far as its own limits allow. Within an organisation and a model, who came first is first. Safe to use from several threads.
/// </summary>
internal sealed class FairQueue(ParallelLimits limits) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly ConcurrencyLimiter _inAll = new(Permits(limits.InAll));
    private readonly PartitionedRateLimiter<Waiting> _lines = PartitionedRateLimiter.CreateChained(
        PartitionedRateLimiter.Create<Waiting, Guid>(one => RateLimitPartition.GetConcurrencyLimiter(one.OrgId, _ => Permits(limits.PerOrganisation))),
        PartitionedRateLimiter.Create<Waiting, string>(one => one.Model is { } model
            ? RateLimitPartition.GetConcurrencyLimiter(model, _ => Permits(limits.PerModel))
            : RateLimitPartition.GetNoLimiter("")));

    private readonly Dictionary<Guid, Organisation> _organisations = [];

    /// <summary>Those that wait; whose turn it is, first.</summary>
    private readonly LinkedList<Organisation> _turns = new();
    private long _tickets;

    /// <returns>The place, to be disposed of when it is free again.</returns>
    /// <exception cref="OperationCanceledException">There was none before the cancellation.</exception>
    public async Task<IDisposable> WaitAsync(Guid orgId, string? model, CancellationToken cancellationToken)
    {
        Waiting waiting;
        List<(Waiting, Place)> given;
        lock (_lock)
        {
            waiting = new Waiting(orgId, model, _tickets++);
            Add(waiting);
            given = Take();
        }

        Give(given);
        await using var leaving = cancellationToken.Register(() => Leave(waiting, cancellationToken));
        return await waiting.Place.Task;
    }

    public void Dispose()
    {
        _inAll.Dispose();
        _lines.Dispose();
    }

    private static ConcurrencyLimiterOptions Permits(int limit) => new() { PermitLimit = limit, QueueLimit = 0 };

    private void Add(Waiting waiting)
    {
        if (!_organisations.TryGetValue(waiting.OrgId, out var organisation))
        {
            organisation = _organisations[waiting.OrgId] = new Organisation(waiting.OrgId);
            _turns.AddLast(organisation.Turn);
        }

        organisation.Add(waiting);
    }

    private void Leave(Waiting waiting, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (waiting.Node.List is null)
            {
                return;
            }

            Remove(waiting);
        }

        waiting.Place.SetCanceled(cancellationToken);
    }

    private void Remove(Waiting waiting)
    {
        var organisation = _organisations[waiting.OrgId];
        organisation.Remove(waiting);
        if (organisation.IsEmpty)
        {
            _organisations.Remove(organisation.Id);
            _turns.Remove(organisation.Turn);
        }
    }

    private void Free(RateLimitLease line, RateLimitLease inAll)
    {
        List<(Waiting, Place)> given;
        lock (_lock)
        {
            line.Dispose();
            inAll.Dispose();
            given = Take();
        }

        Give(given);
    }

    /// <summary>
    /// Who gets a place goes on here, on this thread, as far as it does not wait. Continuations that are queued for it would be last in, first out: who is
    /// served would be in turns, who begins would not.
    /// </summary>
    private static void Give(List<(Waiting Waiting, Place Place)> given) => given.ForEach(one => one.Waiting.Place.SetResult(one.Place));

    /// <summary>Takes what is free for those whose turn it is: one place a turn, and whoever got one goes to the end.</summary>
    private List<(Waiting, Place)> Take()
    {
        List<(Waiting, Place)> given = [];
        for (var turn = _turns.First; turn is not null;)
        {
            var inAll = _inAll.AttemptAcquire();
            if (!inAll.IsAcquired)
            {
                break;
            }

            var next = turn.Next;
            if (Find(turn.Value) is not var (waiting, line))
            {
                inAll.Dispose();
                turn = next;
                continue;
            }

            Remove(waiting);
            given.Add((waiting, new Place(this, line, inAll)));
            if (turn.List is not null)
            {
                _turns.Remove(turn);
                _turns.AddLast(turn);
                next ??= turn;
            }

            turn = next;
        }

        return given;
    }

    /// <summary>The one that waits longest of those whose model has room; null when there is none, or the organisation has what it may have.</summary>
    private (Waiting Waiting, RateLimitLease Line)? Find(Organisation organisation)
    {
        foreach (var waiting in organisation.Heads)
        {
            var line = _lines.AttemptAcquire(waiting);
            if (line.IsAcquired)
            {
                return (waiting, line);
            }
        }

        return null;
    }

    private sealed class Waiting
    {
        public Waiting(Guid orgId, string? model, long ticket)
        {
            (OrgId, Model, Ticket) = (orgId, model, ticket);
            Node = new LinkedListNode<Waiting>(this);
        }

        public Guid OrgId { get; }

        public string? Model { get; }

        public long Ticket { get; }

        /// <summary>In no list when it waits no longer.</summary>
        public LinkedListNode<Waiting> Node { get; }

        public TaskCompletionSource<IDisposable> Place { get; } = new();
    }

    /// <summary>Those of an organisation that wait: a line for each model, so that a busy model holds up none of the others.</summary>
    private sealed class Organisation
    {
        private readonly Dictionary<string, LinkedList<Waiting>> _models = [];

        public Organisation(Guid id)
        {
            Id = id;
            Turn = new LinkedListNode<Organisation>(this);
        }

        public Guid Id { get; }

        public LinkedListNode<Organisation> Turn { get; }

        public bool IsEmpty => _models.Count == 0;

        public IEnumerable<Waiting> Heads => _models.Values.Select(line => line.First!.Value).OrderBy(one => one.Ticket);

        public void Add(Waiting waiting)
        {
            if (!_models.TryGetValue(waiting.Model ?? "", out var line))
            {
                line = _models[waiting.Model ?? ""] = new LinkedList<Waiting>();
            }

            line.AddLast(waiting.Node);
        }

        public void Remove(Waiting waiting)
        {
            var line = waiting.Node.List!;
            line.Remove(waiting.Node);
            if (line.Count == 0)
            {
                _models.Remove(waiting.Model ?? "");
            }
        }
    }

    private sealed class Place(FairQueue queue, RateLimitLease line, RateLimitLease inAll) : IDisposable
    {
        private int _isFree;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isFree, 1) == 0)
            {
                queue.Free(line, inAll);
            }
        }
    }
}
