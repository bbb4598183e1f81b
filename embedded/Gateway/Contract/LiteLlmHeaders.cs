using System.Globalization;
using LlmAspire.DemoGateway.Configuration;

namespace LlmAspire.DemoGateway.Contract;

/// <summary>
/// The <c>x-litellm-*</c> headers. Their sets differ on purpose: a streamed answer has far fewer, because they are sent
/// before the call ends.
/// </summary>
internal static class LiteLlmHeaders
{
    /// <summary>The version whose contract this is.</summary>
    public const string Version = "1.81.12";

    public const string CallId = "x-litellm-call-id";
    public const string ModelId = "x-litellm-model-id";
    public const string AttemptedFallbacks = "x-litellm-attempted-fallbacks";

    /// <summary>The demo model costs nothing.</summary>
    private const string NoCost = "0.0";

    /// <summary>The client's id of the call, or a new one.</summary>
    public static string AdoptCallId(HttpContext http)
    {
        var given = http.Request.Headers[CallId].ToString();
        return given.Length > 0 ? given : Guid.NewGuid().ToString();
    }

    /// <param name="deployment">Null when the call was refused before one was chosen.</param>
    public static void WriteError(IHeaderDictionary headers, string callId, Deployment? deployment)
    {
        headers[CallId] = callId;
        headers["x-litellm-response-cost"] = "0";
        headers["x-litellm-key-spend"] = NoCost;
        if (deployment is not null)
        {
            headers[ModelId] = deployment.Id;
            // The router's is a whole number.
            headers["x-litellm-timeout"] = deployment.OwnTimeout is null ? "60" : deployment.Timeout;
        }
    }

    public static void WriteStreamed(IHeaderDictionary headers, string callId, Deployment deployment)
    {
        headers[CallId] = callId;
        headers[ModelId] = deployment.Id;
        headers["x-litellm-model-api-base"] = ApiBase(deployment);
        headers["x-litellm-version"] = Version;
        headers["x-litellm-response-cost-original"] = NoCost;
        headers["x-litellm-response-cost-discount-amount"] = NoCost;
        headers["x-litellm-response-cost-margin-amount"] = NoCost;
        headers["x-litellm-response-cost-margin-percent"] = NoCost;
        headers["x-litellm-key-spend"] = NoCost;
    }

    /// <param name="retries">Attempts that failed before the one that served.</param>
    public static void WritePlain(
        IHeaderDictionary headers, string callId, Deployment deployment, TimeSpan duration, int retries, int maxRetries, int fallbacks)
    {
        WriteStreamed(headers, callId, deployment);
        headers["x-litellm-response-cost"] = NoCost;
        headers["x-litellm-response-duration-ms"] = duration.TotalMilliseconds.ToString("0.0##", CultureInfo.InvariantCulture);
        headers["x-litellm-overhead-duration-ms"] = "0.0";
        headers["x-litellm-model-group"] = deployment.Alias;
        headers["x-litellm-attempted-retries"] = retries.ToString(CultureInfo.InvariantCulture);
        headers[AttemptedFallbacks] = fallbacks.ToString(CultureInfo.InvariantCulture);
        if (retries > 0)
        {
            headers["x-litellm-max-retries"] = maxRetries.ToString(CultureInfo.InvariantCulture);
        }

        if (deployment.Provider == "openai")
        {
            WriteRateLimits(headers);
        }
    }

    /// <summary>OpenAI's limits are handed on twice, under their own names and with a prefix.</summary>
    private static void WriteRateLimits(IHeaderDictionary headers)
    {
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[
            ("x-ratelimit-limit-requests", "5000"),
            ("x-ratelimit-remaining-requests", "4999"),
            ("x-ratelimit-limit-tokens", "800000"),
            ("x-ratelimit-remaining-tokens", "799000")])
        {
            headers[name] = value;
            headers[$"llm_provider-{name}"] = value;
        }
    }

    public static string ApiBase(Deployment deployment) => deployment.LiteLlmParams["api_base"]?.ToString() ?? $"demo://{deployment.Provider}";
}
