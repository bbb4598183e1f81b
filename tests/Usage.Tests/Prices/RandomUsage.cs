namespace LlmAspire.Usage.Tests.Prices;

/// <summary>Calls and prices by chance, the same for the same seed. Few models and hours, so that they meet.</summary>
internal sealed class RandomUsage(int seed)
{
    private static readonly (string? Provider, string? Model)[] Models =
        [("openai", "gpt-a"), ("openai", "gpt-b"), ("anthropic", "gpt-a"), ("mistral", "m/1"), (null, null), ("openai", null), (null, "gpt-a")];

    private static readonly (string Provider, string Model)[] PricedModels =
    [
        ("openai", "gpt-a"), ("openai", "gpt-b"), ("anthropic", "gpt-a"), ("mistral", "m/1"), ("unknown", "chat-default"), ("unknown", "small"), ("openai", "small"),
        ("unknown", "gpt-a"),
    ];

    private static readonly string[] Classes = ["input", "output", "cached_input", "cache_write", "reasoning", "audio_input", "audio_output"];

    private static readonly Guid[] Organisations = [Guid.NewGuid(), Guid.NewGuid()];

    private readonly Random _random = new(seed);

    /// <summary>Calls fall within the three days from here, prices from a day before to a day after.</summary>
    public static DateTimeOffset Start { get; } = new(2026, 2, 27, 0, 0, 0, TimeSpan.Zero);

    public int Next(int below) => _random.Next(below);

    public T Any<T>(IReadOnlyList<T> of) => of[_random.Next(of.Count)];

    public UsageEvent Call()
    {
        var (provider, model) = Any(Models);
        var prompt = Tokens();
        var completion = Tokens();
        return Events.Plain(Guid.CreateVersion7(Start.AddMilliseconds(_random.NextInt64((long)TimeSpan.FromDays(3).TotalMilliseconds)))) with
        {
            OrgId = Any(Organisations),
            Provider = provider,
            ServedModel = model,
            PromptTokens = prompt,
            CompletionTokens = completion,
            CachedPromptTokens = Part(prompt),
            CacheWriteTokens = Part(prompt),
            AudioPromptTokens = Part(prompt),
            ReasoningTokens = Part(completion),
            AudioCompletionTokens = Part(completion),
            Source = Any(Enum.GetValues<UsageSource>()),
            Outcome = Any([UsageOutcome.Completed, UsageOutcome.Stopped, UsageOutcome.Failed]),
        };
    }

    public BookEntry[] Prices()
    {
        Dictionary<(string, string, string, DateTimeOffset), BookEntry> entries = [];
        for (var i = _random.Next(1, 20); i > 0; i--)
        {
            var (provider, model) = Any(PricedModels);
            // Base classes often, or little would be priced.
            var tokenClass = Classes[_random.Next(3) > 0 ? _random.Next(2) : _random.Next(Classes.Length)];
            var from = Start.AddHours(_random.Next(-24, 96));
            entries[(provider, model, tokenClass, from)] = new BookEntry(provider, model, tokenClass, from, Price());
        }

        return [.. entries.Values];
    }

    /// <summary>Of every size and number of decimals; free at times, and none at times.</summary>
    public decimal? Price() => _random.Next(10) switch
    {
        0 => null,
        1 => 0m,
        2 => 0.000000000001m * _random.NextInt64(1, 1_000_000_000_000),
        3 => _random.Next(1, 10_000),
        _ => 0.01m * _random.Next(1, 10_000),
    };

    private long Tokens() => _random.Next(10) switch
    {
        0 or 1 => 0,
        2 => _random.NextInt64(999_999_999_999),
        _ => _random.Next(1, 20_000),
    };

    /// <summary>Unknown, nothing, a part, or as some providers count it: more than is left of the whole.</summary>
    private long? Part(long whole) => _random.Next(5) switch
    {
        0 or 1 => null,
        2 => 0,
        3 => _random.NextInt64(whole / 3 + 1),
        _ => _random.NextInt64(whole + whole / 4 + 2),
    };
}
