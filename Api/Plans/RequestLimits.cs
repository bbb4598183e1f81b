using System.Globalization;
using System.Threading.RateLimiting;
using LlmAspire.Api.Identity;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Plans;

/// <summary>
/// Requests a minute of each user, by their plan: a bucket that is full at first and fills evenly. Each process counts for itself. Safe to use from
/// several threads.
/// </summary>
/// <remarks>Not a policy of the rate limiter's middleware, which sign-in has: that one does not tell what is left.</remarks>
internal sealed class RequestLimits(IOptions<PlanOptions> plans) : IDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    // With the limit in the key another plan counts at once.
    private readonly PartitionedRateLimiter<Caller> _requests = PartitionedRateLimiter.Create<Caller, (Guid, int)>(caller =>
        RateLimitPartition.GetTokenBucketLimiter((caller.UserId, plans.Value[caller.Plan].RequestsPerMinute), key => new TokenBucketRateLimiterOptions
        {
            TokenLimit = key.Item2,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = Window / key.Item2,
        }));

    /// <summary>Answers 429 to users beyond their limit at endpoints with <see cref="PlanExtensions.LimitRequests"/>; tells all others what is left.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var caller = Caller.From(context.User);
        var limit = plans.Value[caller.Plan].RequestsPerMinute;
        using var lease = _requests.AttemptAcquire(caller);
        var remaining = _requests.GetStatistics(caller)?.CurrentAvailablePermits ?? 0;
        var full = Window / limit * (limit - remaining);
        // At the last moment: the answer to an exception begins with a clean slate.
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            headers["RateLimit-Limit"] = Text(limit);
            headers["RateLimit-Remaining"] = Text(remaining);
            headers["RateLimit-Reset"] = Text((long)Math.Ceiling(full.TotalSeconds));
            return Task.CompletedTask;
        });
        if (lease.IsAcquired)
        {
            await next(context);
            return;
        }

        await PlanProblems.RateLimited(context, limit, AttemptLimits.RetryAfter(lease)).ExecuteAsync(context);
    }

    public void Dispose() => _requests.Dispose();

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
