using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmAspire.Usage;

namespace LlmAspire.UsageWorker.Demo;

/// <summary>
/// Thirty days of calls to look at: office hours and quiet weekends, people of whom some ask more than others, a few calls that were stopped or failed. A day and a number make
/// one call with one id, whenever and however often they are asked for.
/// </summary>
/// <param name="models">What is called.</param>
/// <param name="callsOfWeekday">How many calls a working day has, about.</param>
internal sealed class DemoMonth(IReadOnlyList<DemoModel> models, int callsOfWeekday = DemoMonth.FewCalls)
{
    public const int Days = 30;

    /// <summary>
    /// A month of so few calls leaves more than half of what the basic plan allows an organisation: everybody can go on chatting.
    /// </summary>
    private const int FewCalls = 30;

    /// <summary>How busy each hour of the day is (UTC).</summary>
    private static readonly double[] Hours =
        [.. Enumerable.Range(0, 24).Select(hour => hour switch { >= 7 and < 17 => 1.0, >= 17 and < 21 => 0.35, _ => 0.06 })];

    private static readonly UsageOperation[] Operations =
    [
        .. Enumerable.Repeat(UsageOperation.Chat, 14), UsageOperation.Tool, UsageOperation.Title, UsageOperation.Title, UsageOperation.Compare, UsageOperation.Race,
        UsageOperation.Api, UsageOperation.Api,
    ];

    /// <summary>The calls of the thirty days before <paramref name="until"/>, oldest first.</summary>
    /// <param name="people">Who made them; the first ones make the most.</param>
    public IEnumerable<UsageEvent> Calls(IReadOnlyList<DemoPerson> people, DateTimeOffset until)
    {
        var start = until.ToUniversalTime().AddDays(-Days);
        return Enumerable.Range(0, Days + 1)
            .SelectMany(day => CallsOf(DateOnly.FromDateTime(start.UtcDateTime).AddDays(day), people))
            .Where(call => call.CreatedAt >= start && call.CreatedAt.AddMilliseconds(call.DurationMs) < until)
            .OrderBy(call => call.CreatedAt);
    }

    private IEnumerable<UsageEvent> CallsOf(DateOnly day, IReadOnlyList<DemoPerson> people)
    {
        // No two days are alike.
        var busy = 0.7 + (0.6 * Fraction(Hash(day, "day")));
        busy *= day.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday ? 0.15 : 1;
        return Enumerable.Range(0, (int)Math.Round(busy * callsOfWeekday))
            .Select(number => Call(day, Hash(day, number.ToString(CultureInfo.InvariantCulture)), people));
    }

    private UsageEvent Call(DateOnly day, byte[] hash, IReadOnlyList<DemoPerson> people)
    {
        var at = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero) + TimeOfDay(Fraction(hash));
        var random = new Random(BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(8)));
        var person = people[(int)(people.Count * Math.Pow(random.NextDouble(), 1.4))];
        var model = Pick(person, random);
        var call = new UsageEvent
        {
            Id = UuidV7.Create(at, hash.AsSpan(12)),
            RequestId = UuidV7.Create(at, hash.AsSpan(22)),
            UserId = person.Id,
            OrgId = person.OrgId,
            Operation = model.WritesPrompts ? UsageOperation.Prompt : Operations[random.Next(Operations.Length)],
            ModelAlias = model.Alias,
            PromptTokens = 0,
            CompletionTokens = 0,
            Source = UsageSource.None,
            Outcome = UsageOutcome.Interrupted,
            DurationMs = random.Next(200, 9_000),
        };

        return random.NextDouble() switch
        {
            // The Api died: nothing is known.
            < 0.012 => call,
            // The provider refused.
            < 0.026 => call with { Outcome = UsageOutcome.Failed, Provider = model.Provider, ServedModel = model.Name, Attempts = 3, Fallbacks = 0 },
            < 0.036 => Answered(call, model, UsageSource.Partial, UsageOutcome.Failed, random),
            < 0.046 => Answered(call, model, UsageSource.Estimated, UsageOutcome.Disconnected, random),
            < 0.066 => Answered(call, model, UsageSource.Estimated, UsageOutcome.Stopped, random),
            < 0.076 => Answered(call, model, UsageSource.Provider, UsageOutcome.Stopped, random),
            _ => Answered(call, model, UsageSource.Provider, UsageOutcome.Completed, random),
        };
    }

    private static UsageEvent Answered(UsageEvent call, DemoModel model, UsageSource source, UsageOutcome outcome, Random random)
    {
        var (prompt, completion) = ((long)Math.Exp(5 + (3 * random.NextDouble())), (long)Math.Exp(3.5 + (3 * random.NextDouble())));
        long cached = random.Next(3) == 0 ? prompt * 2 / 3 : 0, reasoning = model.Reasons ? completion * 3 / 5 : 0;
        var ttft = (int)(250 + (900 * Math.Pow(random.NextDouble(), 3)) + (model.Reasons ? 1_500 : 0));
        var isCounted = source == UsageSource.Estimated;

        return call with
        {
            Provider = model.Provider,
            ServedModel = model.Name,
            PromptTokens = prompt,
            CompletionTokens = completion,
            CachedPromptTokens = isCounted ? null : cached,
            ReasoningTokens = isCounted ? null : reasoning,
            Source = source,
            Outcome = outcome,
            Attempts = random.Next(40) == 0 ? 2 : 1,
            Fallbacks = 0,
            TtftMs = ttft,
            DurationMs = ttft + (int)(completion * (9 + (10 * random.NextDouble()))),
            GatewayCallId = call.Id.ToString(),
            RawUsage = isCounted ? null : JsonSerializer.SerializeToElement(new
            {
                prompt_tokens = prompt,
                completion_tokens = completion,
                total_tokens = prompt + completion,
                prompt_tokens_details = new { cached_tokens = cached },
                completion_tokens_details = new { reasoning_tokens = reasoning },
            }),
        };
    }

    private DemoModel Pick(DemoPerson person, Random random)
    {
        var allowed = models.Where(model => model.Plan <= person.Plan).ToList();
        var left = random.Next(allowed.Sum(model => model.Weight));
        return allowed.First(model => (left -= model.Weight) < 0);
    }

    /// <summary>From 0 to 1, spread over the day as its hours are busy.</summary>
    private static TimeSpan TimeOfDay(double fraction)
    {
        var left = fraction * Hours.Sum();
        var hour = 0;
        while (left >= Hours[hour])
        {
            left -= Hours[hour++];
        }

        return TimeSpan.FromMilliseconds((long)(TimeSpan.FromHours(1).TotalMilliseconds * (hour + (left / Hours[hour]))));
    }

    private static byte[] Hash(DateOnly day, string what) => SHA256.HashData(Encoding.UTF8.GetBytes($"demo-month/{day:yyyy-MM-dd}/{what}"));

    /// <summary>At least 0, less than 1.</summary>
    private static double Fraction(ReadOnlySpan<byte> hash) => (BinaryPrimitives.ReadUInt64BigEndian(hash) >> 11) / (double)(1UL << 53);
}
