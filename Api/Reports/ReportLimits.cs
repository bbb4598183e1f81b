using System.Threading.RateLimiting;
using LlmAspire.Api.Identity;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Reports;

/// <summary>
/// How many reports are made at once, for a person and for all: what is beyond waits its turn, and of one person only so many wait. Less at once than there are connections for reading, so
/// that a run can always be read. Each process counts for itself. Safe to use from several threads.
/// </summary>
internal sealed class ReportLimits(IOptions<ReportOptions> options) : IDisposable
{
    /// <summary>Beyond this many nobody would wait for the last.</summary>
    private const int MostWaiting = 200;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    // The person's turn first: who waits for it takes nobody's place.
    private readonly PartitionedRateLimiter<Guid> _reports = PartitionedRateLimiter.CreateChained(
        PartitionedRateLimiter.Create<Guid, Guid>(user => RateLimitPartition.GetConcurrencyLimiter(
            user, _ => new ConcurrencyLimiterOptions { PermitLimit = options.Value.AtOnce, QueueLimit = options.Value.Waiting })),
        PartitionedRateLimiter.Create<Guid, bool>(_ => RateLimitPartition.GetConcurrencyLimiter(
            true, _ => new ConcurrencyLimiterOptions { PermitLimit = options.Value.AtOnceOfAll, QueueLimit = MostWaiting })));

    /// <summary>The filter of an endpoint. The place is kept until the answer has gone out, or its reader has gone away.</summary>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var context = invocation.HttpContext;
        var lease = await _reports.AcquireAsync(Caller.From(context.User).UserId, cancellationToken: context.RequestAborted);
        context.Response.RegisterForDispose(lease);
        return lease.IsAcquired ? await next(invocation) : ReportProblems.TooMany(context, options.Value.AtOnce, options.Value.Waiting, Pause);
    }

    public void Dispose() => _reports.Dispose();
}

internal static class ReportLimitsExtensions
{
    /// <summary>These endpoints make reports: see <see cref="ReportLimits"/>.</summary>
    public static TBuilder LimitReports<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints
            .AddEndpointFilter((invocation, next) => invocation.HttpContext.RequestServices.GetRequiredService<ReportLimits>().InvokeAsync(invocation, next))
            .WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status429TooManyRequests, typeof(Microsoft.AspNetCore.Mvc.ProblemDetails), ["application/problem+json"]));
}
