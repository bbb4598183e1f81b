using System.Globalization;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// One <c>usage</c> object, class by class as it came, under every name in use. Null is a class that is missing, null or no count; an explicit zero is zero. Of two names
/// for one class the greater counts: gateways fill the one that they do not mean with zero (BerriAI/litellm#11789).
/// <code>
/// {"prompt_tokens":17,"completion_tokens":7,"total_tokens":24,"prompt_tokens_details":{"cached_tokens":5,"cache_write_tokens":2},"completion_tokens_details":{"reasoning_tokens":3}}
/// {"input_tokens":17,"output_tokens":7,"input_tokens_details":{"cached_tokens":5},"output_tokens_details":{"reasoning_tokens":3}}
/// {"input_tokens":10,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":0},"output_tokens":7}
/// {"prompt_tokens":17,"completion_tokens":7,"total_tokens":24,"prompt_cache_hit_tokens":5,"prompt_cache_miss_tokens":12}
/// </code>
/// </summary>
internal sealed record UsageReport
{
    /// <summary>What no call can have; the ledger refuses it too.</summary>
    private const double ImplausibleTokens = 1e12;

    private UsageReport(JsonElement usage)
    {
        var prompt = Object(usage, "prompt_tokens_details");
        var input = Object(usage, "input_tokens_details");
        var completion = Object(usage, "completion_tokens_details");
        var output = Object(usage, "output_tokens_details");
        var written = Object(prompt, "cache_creation_token_details");
        var creation = Object(usage, "cache_creation");
        Raw = usage.Clone();
        Total = Count(usage, "total_tokens");
        Prompt = Greatest(Count(usage, "prompt_tokens"), Count(usage, "input_tokens"), Sum(Count(usage, "prompt_cache_hit_tokens"), Count(usage, "prompt_cache_miss_tokens")));
        Completion = Greatest(Count(usage, "completion_tokens"), Count(usage, "output_tokens"));
        CacheRead = Greatest(
            Count(prompt, "cached_tokens"), Count(input, "cached_tokens"), Count(usage, "cached_tokens"),
            Count(usage, "cache_read_input_tokens"), Count(usage, "prompt_cache_hit_tokens"));
        CacheWrite = Greatest(
            Count(prompt, "cache_creation_tokens"), Count(prompt, "cache_write_tokens"), Count(input, "cache_creation_tokens"), Count(input, "cache_write_tokens"),
            Count(usage, "cache_creation_input_tokens"), Count(usage, "cache_write_tokens"), Lifetimes(written), Lifetimes(creation));
        CacheWrite1h = Greatest(Count(written, "ephemeral_1h_input_tokens"), Count(creation, "ephemeral_1h_input_tokens"));
        Reasoning = Greatest(Count(completion, "reasoning_tokens"), Count(output, "reasoning_tokens"), Count(usage, "reasoning_tokens"));
        AudioPrompt = Greatest(Count(prompt, "audio_tokens"), Count(input, "audio_tokens"));
        AudioCompletion = Greatest(Count(completion, "audio_tokens"), Count(output, "audio_tokens"));
        HasAnthropicNames = !usage.TryGetProperty("prompt_tokens", out _) && input.ValueKind != JsonValueKind.Object
            && (usage.TryGetProperty("cache_read_input_tokens", out _) || usage.TryGetProperty("cache_creation_input_tokens", out _));
        HasWriteLifetimes = written.ValueKind == JsonValueKind.Object;
        HasEmptyDetails = prompt.ValueKind == JsonValueKind.Object && !prompt.EnumerateObject().Any();
        HasDetails = prompt.ValueKind == JsonValueKind.Object && !HasEmptyDetails || CacheRead > 0 || CacheWrite > 0 || Reasoning > 0 || usage.TryGetProperty("prompt_cache_hit_tokens", out _);
    }

    public long? Prompt { get; private init; }

    public long? Completion { get; private init; }

    public long? CacheRead { get; private init; }

    public long? CacheWrite { get; private init; }

    /// <summary>The part of <see cref="CacheWrite"/> that is kept for one hour.</summary>
    public long? CacheWrite1h { get; private init; }

    public long? Reasoning { get; private init; }

    public long? AudioPrompt { get; private init; }

    public long? AudioCompletion { get; private init; }

    public long? Total { get; private init; }

    /// <summary>Anthropic's own form, whose input is without its cache.</summary>
    public bool HasAnthropicNames { get; private init; }

    /// <summary>Whether the details of the prompt tell the lifetimes of cache writes.</summary>
    public bool HasWriteLifetimes { get; private init; }

    /// <summary>Whether there are details of the prompt, and nothing in them.</summary>
    public bool HasEmptyDetails { get; private init; }

    /// <summary>Whether more than the three sums is told.</summary>
    public bool HasDetails { get; private init; }

    /// <summary>As it came.</summary>
    public JsonElement Raw { get; private init; }

    /// <param name="usage">An object.</param>
    /// <returns>Null when it has no count in it.</returns>
    public static UsageReport? Read(JsonElement usage)
    {
        var report = new UsageReport(usage).WithDerived();
        return (report.Prompt ?? report.Completion ?? report.CacheRead ?? report.CacheWrite ?? report.Reasoning ?? report.Total) is null ? null : report;
    }

    /// <summary>Where the classes are, by the total: the first placement that is possible and adds up.</summary>
    /// <returns>Null when the report has no total, or it does not add up.</returns>
    public Outside? PlacementByTotal()
    {
        if (Total is not { } total || Prompt is not { } prompt || Completion is not { } completion)
        {
            return null;
        }

        foreach (var placement in UsagePlacement.InOrder)
        {
            var sum = prompt + completion + UsagePlacement.Added(placement, CacheRead, CacheWrite, Reasoning);
            if (sum == total && UsagePlacement.IsPossible(placement, prompt, completion, CacheRead, CacheWrite, Reasoning))
            {
                return placement;
            }
        }

        return null;
    }

    /// <summary>Class by class the greatest of two.</summary>
    public UsageReport Merge(UsageReport other) => this with
    {
        Prompt = Greatest(Prompt, other.Prompt),
        Completion = Greatest(Completion, other.Completion),
        CacheRead = Greatest(CacheRead, other.CacheRead),
        CacheWrite = Greatest(CacheWrite, other.CacheWrite),
        CacheWrite1h = Greatest(CacheWrite1h, other.CacheWrite1h),
        Reasoning = Greatest(Reasoning, other.Reasoning),
        AudioPrompt = Greatest(AudioPrompt, other.AudioPrompt),
        AudioCompletion = Greatest(AudioCompletion, other.AudioCompletion),
        HasAnthropicNames = HasAnthropicNames || other.HasAnthropicNames,
        HasWriteLifetimes = HasWriteLifetimes || other.HasWriteLifetimes,
    };

    /// <summary>A sum that is missing, from the two others.</summary>
    private UsageReport WithDerived() => (Total, Prompt, Completion) switch
    {
        ({ } total, null, { } completion) when total >= completion => this with { Prompt = total - completion },
        ({ } total, { } prompt, null) when total > prompt => this with { Completion = total - prompt },
        _ => this,
    };

    private static long? Lifetimes(JsonElement written) => Sum(Count(written, "ephemeral_5m_input_tokens"), Count(written, "ephemeral_1h_input_tokens"));

    private static long? Sum(long? one, long? other) => one is null && other is null ? null : (one ?? 0) + (other ?? 0);

    private static long? Greatest(params ReadOnlySpan<long?> counts)
    {
        long? greatest = null;
        foreach (var count in counts)
        {
            greatest = greatest is null || count > greatest ? count : greatest;
        }

        return greatest;
    }

    private static JsonElement Object(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : default;

    private static long? Count(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && Number(value) is { } number && number is >= 0 and < ImplausibleTokens
            ? (long)number
            : null;

    private static double? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number when value.TryGetDouble(out var number) => number,
        JsonValueKind.String when double.TryParse(JsonText.Decode(value), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };
}
