using LlmAspire.Usage;

namespace LlmAspire.UsageWorker.Reconciliation;

/// <summary>The gateway's spend logs cannot be read.</summary>
/// <param name="problem">One of <see cref="GatewayProblem"/>.</param>
internal sealed class SpendLogsException(string problem, string message, Exception? inner = null) : Exception(message, inner)
{
    public string Problem => problem;
}
