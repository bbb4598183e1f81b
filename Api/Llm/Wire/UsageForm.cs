using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>The <c>usage</c> object as OpenAI's own clients read it: whole numbers, and details that are objects.</summary>
internal static class UsageForm
{
    public static bool IsOpenAi(JsonElement usage) =>
        IsCount(usage, "prompt_tokens", isNeeded: true) && IsCount(usage, "completion_tokens", isNeeded: true) && IsCount(usage, "total_tokens", isNeeded: true)
        && HasCounts(usage, "prompt_tokens_details") && HasCounts(usage, "completion_tokens_details");

    /// <summary>Writes the only report as it came when it is in order, else what all of them come to.</summary>
    /// <param name="reports">At least one.</param>
    public static void Write(UsageReports reports, Utf8JsonWriter writer)
    {
        if (reports.Only is { } only && IsOpenAi(only.Raw))
        {
            JsonText.Copy(only.Raw, writer);
            return;
        }

        var usage = reports.Usage!;
        var (prompt, completion) = (usage.PromptTokens ?? 0, usage.CompletionTokens ?? 0);
        writer.WriteStartObject();
        writer.WriteNumber("prompt_tokens", prompt);
        writer.WriteNumber("completion_tokens", completion);
        writer.WriteNumber("total_tokens", prompt + completion);
        WriteDetails(writer, "prompt_tokens_details", ("cached_tokens", usage.CachedPromptTokens), ("cache_write_tokens", usage.CacheWriteTokens), ("audio_tokens", usage.AudioPromptTokens));
        WriteDetails(writer, "completion_tokens_details", ("reasoning_tokens", usage.ReasoningTokens), ("audio_tokens", usage.AudioCompletionTokens));
        writer.WriteEndObject();
    }

    private static void WriteDetails(Utf8JsonWriter writer, string name, params ReadOnlySpan<(string Name, long? Count)> counts)
    {
        writer.WriteStartObject(name);
        foreach (var (countName, count) in counts)
        {
            if (count is { } known)
            {
                writer.WriteNumber(countName, known);
            }
        }

        writer.WriteEndObject();
    }

    private static bool HasCounts(JsonElement usage, string name) =>
        !usage.TryGetProperty(name, out var details) || details.ValueKind == JsonValueKind.Null
        || details.ValueKind == JsonValueKind.Object && (IsCount(details, "cached_tokens") && IsCount(details, "reasoning_tokens") && IsCount(details, "audio_tokens")
            && IsCount(details, "accepted_prediction_tokens") && IsCount(details, "rejected_prediction_tokens"));

    private static bool IsCount(JsonElement parent, string name, bool isNeeded = false) =>
        parent.TryGetProperty(name, out var value)
            ? value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count >= 0 || !isNeeded && value.ValueKind == JsonValueKind.Null
            : !isNeeded;
}
