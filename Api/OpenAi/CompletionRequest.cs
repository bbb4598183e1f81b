using System.Collections.Frozen;
using System.Text.Json;

namespace LlmAspire.Api.OpenAi;

/// <summary>A chat completion as it was asked for. It is passed on as it came; only what gating and streaming depend on is looked at.</summary>
/// <param name="TellUsage">Whether a stream is to tell its usage.</param>
internal sealed record CompletionRequest(byte[] Body, string Model, bool IsStreamed, bool TellUsage)
{
    private const int MostChoices = 128;

    // A name that is there twice is read by some as the first and by others as the last: what is checked here could be overruled.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>
    /// What steers LiteLLM and not the model: with it a caller could be answered by a model of another plan, at another address, or unseen. No field of
    /// OpenAI's has one of these names.
    /// </summary>
    private static readonly FrozenSet<string> Steering = FrozenSet.Create(
        "fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks", "disable_fallbacks", "model_list", "specific_deployment",
        "deployment_id", "custom_llm_provider", "api_base", "base_url", "api_key", "api_version", "api_type", "organization", "extra_headers", "headers", "num_retries",
        "max_retries", "timeout", "stream_timeout", "force_timeout", "request_timeout", "cooldown_time", "mock_response", "mock_tool_calls", "mock_timeout",
        "litellm_params", "litellm_metadata", "litellm_call_id", "litellm_trace_id", "litellm_session_id", "litellm_credential_name", "metadata_litellm", "model_info",
        "no-log", "no_log", "caching", "cache", "cache_key", "tags", "guardrails", "user_config", "router_settings_override", "input_cost_per_token",
        "output_cost_per_token", "input_cost_per_second", "output_cost_per_second", "proxy_server_request", "secret_fields", "use_client", "prompt_id", "prompt_variables");

    /// <returns>The request, or what is wrong with it.</returns>
    public static (CompletionRequest? Request, RequestFault? Fault) Read(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Strict);
            var root = document.RootElement;
            return root.ValueKind != JsonValueKind.Object ? (null, new RequestFault("The body is not a JSON object.", null, "json_invalid"))
                : Fault(root) is { } fault ? (null, fault)
                : (new CompletionRequest(body, root.GetProperty("model").GetString()!, Flag(root, "stream"), TellsUsage(root)), null);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return (null, new RequestFault("The body is not valid JSON, or names something twice.", null, "json_invalid"));
        }
    }

    private static RequestFault? Fault(JsonElement request)
    {
        if (Field(request, "model") is not { ValueKind: JsonValueKind.String } model || model.GetString() is not { Length: > 0 })
        {
            return Missing("model", "the id of a model; GET /v1/models lists yours");
        }

        if (Field(request, "messages") is not { ValueKind: JsonValueKind.Array } messages || messages.GetArrayLength() == 0)
        {
            return Missing("messages", "an array of at least one message");
        }

        if (Field(request, "stream") is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) })
        {
            return Wrong("stream", "true or false");
        }

        if (Field(request, "stream_options") is { } options && (options.ValueKind != JsonValueKind.Object || !Flag(request, "stream")))
        {
            return Wrong("stream_options", "an object, and only with \"stream\": true");
        }

        foreach (var name in (string[])["max_completion_tokens", "max_tokens"])
        {
            if (Field(request, name) is { } tokens && !IsWithin(tokens, int.MaxValue))
            {
                return Wrong(name, "a whole number of at least 1");
            }
        }

        if (Field(request, "n") is { } choices && !IsWithin(choices, MostChoices))
        {
            return Wrong("n", $"a whole number from 1 to {MostChoices}");
        }

        foreach (var field in request.EnumerateObject())
        {
            if (Steering.Contains(field.Name))
            {
                return new RequestFault($"'{field.Name}' is not supported: which deployment answers, and how, is the installation's to say. Leave it out.", field.Name, "unsupported_parameter");
            }
        }

        return null;
    }

    private static bool TellsUsage(JsonElement request) =>
        Field(request, "stream_options") is { ValueKind: JsonValueKind.Object } options && Flag(options, "include_usage");

    /// <summary>Null when it is not there, or null.</summary>
    private static JsonElement? Field(JsonElement request, string name) =>
        request.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static bool Flag(JsonElement request, string name) => Field(request, name) is { ValueKind: JsonValueKind.True };

    private static bool IsWithin(JsonElement value, int most) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= 1 && number <= most;

    private static RequestFault Missing(string name, string expected) => new($"Missing required parameter: '{name}'. Send {expected}.", name, "missing_required_parameter");

    private static RequestFault Wrong(string name, string expected) => new($"Invalid value for '{name}'. Send {expected}.", name, "invalid_value");
}

/// <summary>What is wrong with a request.</summary>
/// <param name="Param">The field; null when it is the whole.</param>
internal sealed record RequestFault(string Message, string? Param, string Code);
