using System.Threading.RateLimiting;
using LlmAspire.Api.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Plans;

/// <summary>Concurrent runs of each user, by their plan. Each process counts for itself. Safe to use from several threads.</summary>
internal sealed class RunLimits(IOptions<PlanOptions> plans) : IDisposable
{
    private readonly PartitionedRateLimiter<Caller> _runs = PartitionedRateLimiter.Create<Caller, (Guid, int)>(caller =>
        RateLimitPartition.GetConcurrencyLimiter(
            (caller.UserId, plans.Value[caller.Plan].ConcurrentRuns), key => new ConcurrencyLimiterOptions { PermitLimit = key.Item2 }));

    /// <summary>Null when one more run may begin.</summary>
    /// <param name="lease">To be disposed when the run is over, whoever still reads it, or when there is a problem.</param>
    public ProblemHttpResult? TryAcquire(Caller caller, HttpContext context, out RateLimitLease lease)
    {
        lease = _runs.AttemptAcquire(caller);
        return lease.IsAcquired ? null : PlanProblems.TooManyRuns(context, plans.Value[caller.Plan].ConcurrentRuns);
    }

    /// <summary>Null when so many more runs may begin: all of them, or none.</summary>
    /// <param name="leases">One for each run, to be disposed when it is over; none when there is a problem.</param>
    public ProblemHttpResult? TryAcquire(Caller caller, int count, HttpContext context, out IReadOnlyList<RateLimitLease> leases)
    {
        leases = [.. Enumerable.Range(0, count).Select(_ => _runs.AttemptAcquire(caller))];
        if (leases.All(lease => lease.IsAcquired))
        {
            return null;
        }

        foreach (var lease in leases)
        {
            lease.Dispose();
        }

        leases = [];
        return PlanProblems.TooManyRuns(context, plans.Value[caller.Plan].ConcurrentRuns, count);
    }

    public void Dispose() => _runs.Dispose();
}
