using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Degraded when this machine's clock and PostgreSQL's differ. The time of a call is in its id, from the clock of the machine that made it: a wrong one books calls to another hour, or month, and
/// the sweeper compares its own with it.
/// </summary>
internal sealed class ClockHealthCheck(ILedgerReadiness readiness, NpgsqlDataSource source, TimeProvider time) : PostgresHealthCheck(readiness)
{
    public const string Name = "clock";

    /// <summary>More than clocks that are set over a network ever differ by.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(5);

    protected override async Task<HealthCheckResult> AskAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT clock_timestamp()");
        var asked = time.GetUtcNow();
        var theirs = new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(cancellationToken))!);
        return Judge(asked, theirs, time.GetUtcNow());
    }

    /// <param name="asked">By this clock.</param>
    /// <param name="theirs">By PostgreSQL's, at some time between the two others.</param>
    /// <param name="answered">By this clock.</param>
    internal static HealthCheckResult Judge(DateTimeOffset asked, DateTimeOffset theirs, DateTimeOffset answered)
    {
        var (ahead, behind) = (asked - theirs, theirs - answered);
        return ahead > Tolerance ? Wrong(ahead, "ahead of") : behind > Tolerance ? Wrong(behind, "behind") : HealthCheckResult.Healthy();
    }

    private static HealthCheckResult Wrong(TimeSpan difference, string side) => HealthCheckResult.Degraded(string.Create(
        CultureInfo.InvariantCulture,
        $"This machine's clock is {difference.TotalSeconds:0} s {side} PostgreSQL's, and calls are booked at the wrong time: set both by a time server (NTP)."));
}
