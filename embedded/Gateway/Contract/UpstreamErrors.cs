using LlmAspire.DemoGateway.Configuration;

namespace LlmAspire.DemoGateway.Contract;

/// <summary>
/// What the proxy makes of a provider's failure. Its messages are as long and as talkative as the original's: they tell aliases, fallbacks, retries and what
/// the provider said, none of which is for an end user. None of these answers has a <c>retry-after</c>.
/// </summary>
internal sealed class UpstreamErrors(LiteLlmConfig config)
{
    /// <summary>The provider fell silent in a stream.</summary>
    public static StreamError ReadTimedOut { get; } = new("Timeout on reading data from socket", "500");

    private readonly string _fallbacks = $"[{string.Join(", ", config.Fallbacks.Select(entry => $"{{'{entry.Key}': {PythonList(entry.Value)}}}"))}]";

    /// <summary>The provider sent an error in a stream.</summary>
    public static StreamError MidStream(Deployment deployment) => new(
        $"litellm.ServiceUnavailableError: litellm.MidStreamFallbackError: litellm.APIConnectionError: APIConnectionError: {ExceptionName(deployment.Provider)} - "
            + "The server had an error while processing your request",
        "503");

    public GatewayException Of(Refusal refusal, Deployment deployment) => refusal switch
    {
        Refusal.RateLimited => Final(429, "RateLimitError", "Rate limit reached for requests", deployment, "throttling_error", retried: true),
        Refusal.ServerError => Final(500, "InternalServerError", "The server had an error while processing your request", deployment, type: null, retried: true),
        Refusal.Overloaded => Final(503, "ServiceUnavailableError", "The server is overloaded, please try again later", deployment, type: null, retried: true),
        Refusal.WrongProviderKey => Final(401, "AuthenticationError", "Incorrect API key provided", deployment, type: null, retried: false),
        Refusal.BadRequest => Final(400, "BadRequestError", "Invalid request", deployment, "invalid_request_error", retried: false),
        Refusal.NoSuchModel => Final(404, "NotFoundError", $"The model `{deployment.Model}` does not exist", deployment, type: null, retried: false),
        Refusal.ConnectionLost => Final(500, "InternalServerError", "Connection error.", deployment, type: null, retried: true),
        Refusal.ContextWindowExceeded => ContextWindowExceeded(deployment, deployment.MaxInputTokens + 1),
        Refusal.TimedOut => Final(
            408,
            $"litellm.Timeout: APITimeoutError - Request timed out. Error_str: Request timed out. - timeout value={deployment.Timeout}, "
                + $"time taken={deployment.Timeout} seconds\n\nDeployment Info: request_timeout: None\ntimeout: {deployment.Timeout}",
            deployment,
            type: null,
            retried: true),
        _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal, null),
    };

    /// <summary>The type is null and there is no code <c>context_length_exceeded</c>: clients match the name in the message.</summary>
    public GatewayException ContextWindowExceeded(Deployment deployment, int tokens) => new(
        400,
        $"litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: {ExceptionName(deployment.Provider)} - "
            + $"This model's maximum context length is {deployment.MaxInputTokens} tokens. However, your messages resulted in {tokens} tokens. "
            + $"Please reduce the length of the messages.\nmodel={deployment.Alias}. context_window_fallbacks=None. fallbacks={_fallbacks}.",
        null,
        null);

    public static string ExceptionName(string provider) => provider switch
    {
        "openai" => "OpenAIException",
        "anthropic" => "AnthropicException",
        "gemini" => "GeminiException",
        "mistral" => "MistralException",
        _ => $"{provider}Exception",
    };

    private GatewayException Final(int status, string exception, string said, Deployment deployment, string? type, bool retried) =>
        Final(status, $"litellm.{exception}: {exception}: {ExceptionName(deployment.Provider)} - {said}", deployment, type, retried);

    /// <summary>The message after routing: the fallback was looked for, or failed too, and the failure stands in it twice.</summary>
    private GatewayException Final(int status, string failure, Deployment deployment, string? type, bool retried)
    {
        var targets = config.Fallbacks.GetValueOrDefault(deployment.Alias);
        var routed = targets is null
            ? $"{failure}No fallback model group found for original model_group={deployment.Alias}. Fallbacks={_fallbacks}"
            : failure;
        var retries = retried ? $" LiteLLM Retried: {config.MaxRetries} times, LiteLLM Max Retries: {config.MaxRetries}" : "";
        return new GatewayException(
            status,
            $"{routed}. Received Model Group={deployment.Alias}\nAvailable Model Group Fallbacks={(targets is null ? "None" : PythonList(targets))}"
                + $"\nError doing the fallback: {routed}{retries}",
            type,
            param: null);
    }

    private static string PythonList(IEnumerable<string> names) => $"[{string.Join(", ", names.Select(name => $"'{name}'"))}]";
}
