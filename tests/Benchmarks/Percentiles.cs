namespace LlmAspire.Benchmarks;

/// <summary>Of measured times.</summary>
internal sealed record Percentiles(TimeSpan P50, TimeSpan P95, TimeSpan P99)
{
    public static Percentiles Of(IEnumerable<TimeSpan> times)
    {
        TimeSpan[] sorted = [.. times.Order()];
        return new Percentiles(At(0.5), At(0.95), At(0.99));

        TimeSpan At(double share) => sorted[Math.Min((int)(sorted.Length * share), sorted.Length - 1)];
    }
}
