using LlmAspire.ServiceDefaults;

namespace LlmAspire.Api.Llm;

/// <summary>
/// Where the gateway is and how it is used. The first four come from <c>LLM_BASE_URL</c>, <c>LLM_API_KEY</c>,
/// <c>LLM_MODEL_CHAT</c> and <c>LLM_MODEL_PROMPT_GEN</c>, the rest from the section <c>Gateway</c>.
/// </summary>
public sealed class GatewayOptions
{
    public const string Section = "Gateway";

    /// <summary>The gateway's address, with or without <c>/v1</c> at its end.</summary>
    public string BaseUrl { get; set; } = "";

    public string ApiKey { get; set; } = "";

    /// <summary>The alias that answers a chat which names none.</summary>
    public string ChatModel { get; set; } = "chat-default";

    /// <summary>The alias that writes system prompts.</summary>
    public string PromptModel { get; set; } = "prompt-helper";

    /// <summary>The output cap that goes with every call, unless the model's own limit is lower.</summary>
    public int MaxOutputTokens { get; set; } = 8192;

    /// <summary>How long a connection may take: short, so that a chat learns within two seconds that the gateway is away.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(1.5);

    /// <summary>
    /// How long the gateway may be silent. Longer than it may work on one call: three attempts of 60 s, the same again on
    /// its fallback, and the pauses between them.
    /// </summary>
    public TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromMinutes(7);

    /// <summary>How long the small requests (readiness, model lists) may take.</summary>
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the model list is read again.</summary>
    public TimeSpan CatalogRefresh { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The address without <c>/v1</c>, ending in a slash: <c>/model/info</c> and the health endpoints are below it.</summary>
    public Uri Root => GatewayAddress.Root(BaseUrl);

    /// <summary>The address with <c>/v1</c>, as the OpenAI SDK wants it.</summary>
    public Uri OpenAIEndpoint => new(Root, "v1");
}
