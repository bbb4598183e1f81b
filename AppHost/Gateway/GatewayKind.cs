namespace LlmAspire.AppHost.Gateway;

/// <summary>What answers on the gateway's endpoint.</summary>
internal enum GatewayKind
{
    /// <summary>The gateway at <c>LLM_BASE_URL</c>; none is started.</summary>
    External,

    /// <summary>The LiteLLM proxy.</summary>
    LiteLlm,

    /// <summary>The built-in demo gateway, which needs no provider key.</summary>
    Demo,
}
