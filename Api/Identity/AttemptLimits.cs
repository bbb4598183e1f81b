using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Identity;

/// <summary>
/// Slows down who guesses passwords or registers in bulk: by address, before a request is read, and by e-mail. Each process counts for itself.
/// Safe to use from several threads.
/// </summary>
internal sealed class AttemptLimits(IOptions<AccountOptions> options) : IDisposable
{
    /// <summary>The policy of the rate limiter's middleware.</summary>
    public const string Policy = "attempts";

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly PartitionedRateLimiter<string> _emails = PartitionedRateLimiter.Create<string, string>(
        email => Partition(email, options.Value.AttemptsPerEmail), StringComparer.Ordinal);

    public static RateLimitPartition<string> ByAddress(HttpContext context) => Partition(
        Network(context.Connection.RemoteIpAddress),
        context.RequestServices.GetRequiredService<IOptions<AccountOptions>>().Value.AttemptsPerAddress);

    /// <summary>Null when it may be tried.</summary>
    /// <param name="email">As it was sent; it is compared as Identity compares it.</param>
    public ProblemHttpResult? TryEmail(string? email, HttpContext context)
    {
        using var lease = _emails.AttemptAcquire(email?.Trim().ToUpperInvariant() ?? "");
        return lease.IsAcquired ? null : AccountProblems.TooMany(context, RetryAfter(lease));
    }

    public static TimeSpan RetryAfter(RateLimitLease lease) => lease.TryGetMetadata(MetadataName.RetryAfter, out var pause) ? pause : Window;

    public void Dispose() => _emails.Dispose();

    private static RateLimitPartition<string> Partition(string key, int permits) => RateLimitPartition.GetFixedWindowLimiter(
        key, _ => new FixedWindowRateLimiterOptions { PermitLimit = permits, Window = Window });

    // A household has 2^64 addresses of IPv6.
    private static string Network(IPAddress? address)
    {
        if (address is null)
        {
            return "";
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return plain.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(plain.GetAddressBytes().AsSpan(0, 8)) : plain.ToString();
    }
}
