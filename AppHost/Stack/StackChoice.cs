using LlmAspire.AppHost.Gateway;

namespace LlmAspire.AppHost.Stack;

/// <summary>What this run is made of.</summary>
/// <param name="Mode">Where PostgreSQL and the gateway run.</param>
/// <param name="Gateway">What answers on the gateway's endpoint.</param>
/// <param name="DataDirectory">Where this mode keeps its files: what one ledger did not take must never be replayed into another.</param>
/// <param name="Obstacle">Why the stack cannot be started as it is configured, and what to do; null when it can.</param>
internal sealed record StackChoice(ServicesMode Mode, GatewayKind Gateway, string DataDirectory, string? Obstacle)
{
    /// <summary>PostgreSQL and LiteLLM run in containers; otherwise everything runs as processes of this machine.</summary>
    public bool UseContainers => Mode == ServicesMode.Containers;
}
