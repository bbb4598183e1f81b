using System.Collections.Frozen;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>What to do instead of sending a field that is refused.</summary>
internal static class RequestAdvice
{
    public const string OfMetadata = "The gateway or its logs act on it. Choose another name.";

    private const string Default = "It is not a field of OpenAI's chat completions. Leave it out.";
    private const string Installation = "Which provider answers, where, with which key and how, is the installation's to say. Leave it out.";
    private const string Logging = "Where calls are logged is the installation's to say. Leave it out.";
    private const string Thinking = "Send reasoning_effort instead.";

    private static readonly FrozenDictionary<string, string> Names = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["extra_body"] = "Send OpenAI's own fields at the top level. Others are not passed on.",
        ["additional_drop_params"] = "Leave out what the model does not take.",
        ["drop_params"] = "Leave out what the model does not take.",
        ["allowed_openai_params"] = "OpenAI's fields are passed on without it. Leave it out.",
        ["tags"] = "Routes and budgets by tags are the installation's to say. Leave it out.",
        ["thinking"] = Thinking,
        ["reasoning"] = Thinking,
        ["server_url"] = OfToolKind("function, custom"),
        ["server_label"] = OfToolKind("function, custom"),
        ["mcp_servers"] = OfToolKind("function, custom"),
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>How names begin that say which deployment answers; among them those of providers' credentials and endpoints.</summary>
    private static readonly string[] Steering =
    [
        "api_", "base_", "aws_", "vertex_", "azure_", "gcs_", "s3_", "watsonx_", "oci_", "sagemaker_", "region_name", "organization", "litellm_", "mock_", "fallback",
        "context_window_", "content_policy_", "default_fallbacks", "disable_fallbacks", "model_list", "model_info", "deployment_id", "specific_deployment", "custom_llm_provider", "extra_headers",
        "extra_query", "headers", "num_retries", "max_retries", "timeout", "stream_timeout", "request_timeout", "router_", "user_config", "cach", "guardrails", "input_cost_",
        "output_cost_", "no-log", "no_log", "proxy_server_request", "ssl_",
    ];

    private static readonly string[] Loggers = ["callback", "success_callback", "failure_callback", "service_callback", "langfuse", "langsmith", "posthog_", "dd_", "turn_off_message_logging"];

    /// <summary>
    /// Names in <c>metadata</c> that LiteLLM acts on: it routes by tags, switches guardrails and logs, and writes the others into its spend log or to loggers, where they would stand for
    /// the caller, the call or the conversation. Anthropic gets <c>user_id</c> as the caller's.
    /// </summary>
    private static readonly FrozenSet<string> SteeringMetadata = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "tags", "guardrails", "guardrail_config", "disable_global_guardrails", "disable_global_guardrail", "applied_guardrails", "policies", "opted_out_global_guardrails",
        "model_info", "model_group", "deployment", "api_base", "api_key", "caching_groups", "cache_key", "redis_namespace", "user_id", "team_id", "agent_id", "trace_id", "session_id",
        "spend_logs_metadata", "requester_metadata", "requester_ip_address", "requester_custom_headers", "hidden_params", "headers", "endpoint", "logging", "callbacks", "no-log",
        "callback_settings", "global_max_parallel_requests", "trace_name", "trace_user_id", "trace_version", "trace_release", "trace_metadata", "trace_input", "trace_output",
        "trace_environment", "existing_trace_id", "parent_observation_id", "update_trace_keys", "generation_name", "generation_id", "generation_metadata", "mask_input", "mask_output",
        "run_name", "run_id", "project_name", "parent_run_id", "dotted_order", "batch_models", "previous_models", "attempted_retries", "max_retries", "raw_request",
        "vector_store_request_metadata");

    private static readonly string[] SteeringMetadataPrefixes =
    [
        "user_api_", "litellm", "_", "langfuse", "langsmith", "debug_", "mcp_", "opik", "slack_", "guardrail", "standard_logging_", "braintrust", "arize", "phoenix",
    ];

    public static string Of(string name) =>
        Names.TryGetValue(name, out var advice) ? advice
        : BeginsWithAny(name, Loggers) ? Logging
        : BeginsWithAny(name, Steering) ? Installation
        : Default;

    public static string OfKind(RequestFields fields) => fields.IsToolKind ? OfToolKind(fields.Kinds) : $"Send one of {fields.Kinds}.";

    public static bool IsSteeringMetadata(string name) => SteeringMetadata.Contains(name) || BeginsWithAny(name, SteeringMetadataPrefixes);

    private static string OfToolKind(string kinds) =>
        $"Tools run in your program: send one of {kinds}. Those that a provider or the gateway would run (mcp, web_search …) are not passed on.";

    private static bool BeginsWithAny(string name, string[] prefixes) => Array.Exists(prefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
