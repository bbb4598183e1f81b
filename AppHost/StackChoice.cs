namespace LlmAspire.AppHost;

/// <summary>What this run is made of.</summary>
/// <param name="UseContainers">PostgreSQL and LiteLLM run in containers; otherwise everything runs as processes of this machine.</param>
/// <param name="Gateway">What answers on the gateway's endpoint.</param>
internal sealed record StackChoice(bool UseContainers, GatewayKind Gateway);
