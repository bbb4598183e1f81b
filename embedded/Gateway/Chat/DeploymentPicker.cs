using LlmAspire.DemoGateway.Configuration;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>Shares the calls of an alias between its deployments. Safe to use from any thread.</summary>
internal sealed class DeploymentPicker(LiteLlmConfig config)
{
    private readonly Dictionary<string, Rotation> _rotations = config.Deployments
        .GroupBy(deployment => deployment.Alias, StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => new Rotation([.. group]), StringComparer.Ordinal);

    /// <summary>In turn, or, for a call with a seed, always the same one for the same seed.</summary>
    /// <returns>Null when there is no such alias.</returns>
    public Deployment? Pick(string alias, long? seed) => _rotations.TryGetValue(alias, out var rotation) ? rotation.Pick(seed) : null;

    private sealed class Rotation(Deployment[] deployments)
    {
        private uint _next = uint.MaxValue;

        public Deployment Pick(long? seed) =>
            deployments[(int)((seed is { } fixedSeed ? (ulong)fixedSeed : Interlocked.Increment(ref _next)) % (ulong)deployments.Length)];
    }
}
