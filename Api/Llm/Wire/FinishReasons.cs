namespace LlmAspire.Api.Llm.Wire;

/// <summary>The words for why an answer ended. Clients of OpenAI's know five and fail at any other.</summary>
internal static class FinishReasons
{
    public const string Stop = "stop";

    public const string ToolCalls = "tool_calls";

    /// <summary>What some gateways put where a reason should be, beside or instead of an error.</summary>
    public const string Error = "error";

    /// <summary>Whether it is a word of OpenAI's, as it came.</summary>
    public static bool IsKnown(ReadOnlySpan<byte> reason) =>
        reason.SequenceEqual("stop"u8) || reason.SequenceEqual("length"u8) || reason.SequenceEqual("tool_calls"u8)
        || reason.SequenceEqual("content_filter"u8) || reason.SequenceEqual("function_call"u8);

    /// <summary>OpenAI's word for a word of any provider: an answer that ended for an unknown reason has ended.</summary>
    /// <param name="reason">Empty where an answer has ended without one.</param>
    /// <param name="calledTools">Whether the choice called tools.</param>
    public static string Normalize(string reason, bool calledTools) => reason.ToLowerInvariant() switch
    {
        "length" or "max_tokens" or "max_output_tokens" or "model_length" or "model_context_window_exceeded" or "token_limit" => "length",
        "tool_calls" or "tool_use" or "tool_call" => ToolCalls,
        "function_call" => "function_call",
        "content_filter" or "content_filtered" or "refusal" or "safety" or "recitation" or "blocklist" or "prohibited_content" or "spii" or "sensitive" => "content_filter",
        "stop" or "end_turn" or "stop_sequence" or "eos" or "eos_token" => Stop,
        _ => calledTools ? ToolCalls : Stop,
    };
}
