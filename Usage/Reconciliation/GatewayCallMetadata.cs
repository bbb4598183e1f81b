namespace LlmAspire.Usage;

/// <summary>
/// What the Api has the gateway write into its spend log of a call, so that log and row can be matched in every version of LiteLLM:
/// <code>x-litellm-spend-logs-metadata: {"llmaspire_call_id":"01a2062a-76cb-7a05-8142-b430b8689a62"}</code>
/// </summary>
public static class GatewayCallMetadata
{
    public const string Header = "x-litellm-spend-logs-metadata";

    /// <summary>The name of the row's id.</summary>
    public const string CallId = "llmaspire_call_id";

    public static string Of(Guid callId) => $$"""{"{{CallId}}":"{{callId}}"}""";
}
