using LlmAspire.Usage.Tests.Prices;

namespace LlmAspire.Usage.Tests.Reports;

/// <summary>Calls of several people by chance, and what reports should say of them.</summary>
internal sealed class ReportedUsage
{
    private static readonly Guid[] Users = [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()];

    private readonly RandomUsage _random;

    private ReportedUsage(int seed) => _random = new RandomUsage(seed);

    public PriceBook Book { get; } = new();

    public List<UsageEvent> Calls { get; } = [];

    /// <summary>All of the calls' time, in whole hours.</summary>
    public static ReportQuery Query(string zone = "UTC") =>
        new(RandomUsage.Start.AddHours(-1), RandomUsage.Start.AddDays(3).AddHours(1), zone, new ReportFilter(), null);

    public static async Task<ReportedUsage> IngestAsync(LedgerHost host, int seed, int calls = 300, int revisions = 6)
    {
        var usage = new ReportedUsage(seed);
        await usage.AddCallsAsync(host, calls);
        for (var i = 0; i < revisions; i++)
        {
            await usage.Book.SaveAsync(host.Source, usage._random.Any(["manual", "gateway"]), usage._random.Prices());
        }

        return usage;
    }

    public T Any<T>(IReadOnlyList<T> of) => _random.Any(of);

    public Task<long> ChangePricesAsync(LedgerHost host) => Book.SaveAsync(host.Source, "manual", _random.Prices());

    public async Task AddCallsAsync(LedgerHost host, int count)
    {
        List<UsageEvent> calls = [.. Enumerable.Range(0, count).Select(_ => Call())];
        Calls.AddRange(calls);
        await host.PutAsync(calls);
        Assert.Equal(0, (await host.IngestAllAsync()).Sum(batch => batch.Rejected));
    }

    /// <summary>As <see cref="UsageReports"/> should group them, at the newest prices.</summary>
    public Dictionary<string, ReportSums> Sums(ReportQuery query, IReadOnlyList<ReportKey> keys) => Calls
        .Where(call => query.From <= call.CreatedAt && call.CreatedAt < query.To)
        .GroupBy(call => string.Join('|', keys.Select(key => KeyOf(call, key, TimeZoneInfo.FindSystemTimeZoneById(query.Zone)))))
        .ToDictionary(group => group.Key, group => group.Select(SumsOf).Aggregate((one, other) => one + other));

    public decimal? CostOf(UsageEvent call) => Book.Cost(call, Book.Newest) is { } cost ? (decimal)cost / 1_000_000_000_000_000_000m : null;

    private UsageEvent Call()
    {
        var call = _random.Call();
        // What decimal can still add up to the last digit.
        return call with
        {
            UserId = _random.Any(Users),
            ModelAlias = _random.Any(["small", "large", "a|b, \"c\""]),
            Operation = _random.Any([UsageOperation.Chat, UsageOperation.Title]),
            PromptTokens = call.PromptTokens % 1_000_000,
            CompletionTokens = call.CompletionTokens % 1_000_000,
            TtftMs = _random.Any<int?>([null, 100 + _random.Next(500)]),
            DurationMs = 1_000 + _random.Next(5_000),
        };
    }

    private static string KeyOf(UsageEvent call, ReportKey key, TimeZoneInfo zone)
    {
        var local = TimeZoneInfo.ConvertTime(call.CreatedAt, zone);
        var day = DateOnly.FromDateTime(local.DateTime);
        return key switch
        {
            ReportKey.Hour => $"{local:yyyy-MM-dd'T'HH}:00:00{local:zzz}",
            ReportKey.Day => $"{day:yyyy-MM-dd}",
            ReportKey.Week => $"{day.AddDays(-(((int)day.DayOfWeek + 6) % 7)):yyyy-MM-dd}",
            ReportKey.Month => $"{day:yyyy-MM}-01",
            ReportKey.Model => call.ModelAlias,
            ReportKey.Provider => call.Provider ?? "",
            ReportKey.ServedModel => call.ServedModel ?? "",
            ReportKey.User => $"{call.UserId}",
            ReportKey.Organisation => $"{call.OrgId}",
            ReportKey.Operation => call.Operation.ToString().ToLowerInvariant(),
            ReportKey.Outcome => call.Outcome.ToString().ToLowerInvariant(),
            _ => throw new ArgumentOutOfRangeException(nameof(key)),
        };
    }

    private ReportSums SumsOf(UsageEvent call)
    {
        var tokens = call.PromptTokens + call.CompletionTokens;
        var (cached, written, heard) = Within(call.PromptTokens, call.CachedPromptTokens, call.CacheWriteTokens, call.AudioPromptTokens);
        var (thought, spoken, _) = Within(call.CompletionTokens, call.ReasoningTokens, call.AudioCompletionTokens, null);
        var cost = CostOf(call);
        var isUnpriced = cost is null;
        return new ReportSums(
            1, tokens == 0 ? 1 : 0, call.PromptTokens, call.CompletionTokens, cached, written, thought, heard, spoken,
            call.Source == UsageSource.Estimated ? tokens : 0,
            call.Source == UsageSource.Partial ? tokens : 0,
            cost ?? 0,
            call.Source == UsageSource.Estimated ? cost ?? 0 : 0,
            call.Source == UsageSource.Partial ? cost ?? 0 : 0,
            isUnpriced ? 1 : 0,
            isUnpriced ? tokens : 0);
    }

    private static (long, long, long) Within(long whole, long? first, long? second, long? third)
    {
        var one = Math.Min(whole, first ?? 0);
        var two = Math.Min(whole - one, second ?? 0);
        return (one, two, Math.Min(whole - one - two, third ?? 0));
    }
}
