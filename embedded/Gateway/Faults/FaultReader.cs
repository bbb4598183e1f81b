using System.Globalization;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Faults;

/// <summary>Reads faults as they are written: <c>latency=500; usage=none; hold=first@3</c>, parted by semicolons, commas or spaces.</summary>
internal static class FaultReader
{
    private const int MaxTokens = 100_000;
    private const int MaxEchoes = 1_000;
    private const double MaxMilliseconds = 86_400_000;

    private static readonly (string Name, string Form, Func<FaultPlan, string?, FaultPlan?> Apply)[] Known =
    [
        ("latency", "latency=MS", (plan, value) => Number(value, MaxMilliseconds) is { } ms ? plan with { LatencyMs = ms } : null),
        ("pace", "pace=TOKENS_PER_SECOND", (plan, value) => Number(value, 1_000_000) is { } pace ? plan with { TokensPerSecond = pace } : null),
        ("length", "length=TOKENS", (plan, value) => Count(value, from: 1) is { } length ? plan with { Length = length } : null),
        ("echo", "echo or echo=TIMES", (plan, value) => Count(value ?? "1", from: 1) is { } times and <= MaxEchoes ? plan with { Echo = times } : null),
        ("thinking", "thinking=TOKENS", (plan, value) => Count(value, from: 1) is { } thinking ? plan with { Thinking = thinking } : null),
        ("tool-rounds", "tool-rounds=N", (plan, value) => Count(value, from: 0) is { } rounds ? plan with { ToolRounds = rounds } : null),
        ("tool-arguments", "tool-arguments=broken", (plan, value) => value == "broken" ? plan with { BrokenArguments = true } : null),
        ("usage", "usage=none|unreported|zero|late|mid|repeated|cumulative|guess", (plan, value) => Usage(value) is { } usage ? plan with { Usage = usage } : null),
        ("status", "status=429|500|503|401|400|404|408|context", (plan, value) => RefusalOf(value) is { } refusal ? plan with { Refusal = refusal } : null),
        ("stall", "stall=N", (plan, value) => WithBreak(plan, BreakKind.Stall, value)),
        ("error", "error=N", (plan, value) => WithBreak(plan, BreakKind.Error, value)),
        ("reset", "reset=N", (plan, value) => WithBreak(plan, BreakKind.Reset, value)),
        ("upstream-reset", "upstream-reset=N", (plan, value) => WithBreak(plan, BreakKind.UpstreamReset, value, from: 1)),
        ("upstream-eof", "upstream-eof=N", (plan, value) => WithBreak(plan, BreakKind.UpstreamEof, value, from: 1)),
        ("eof", "eof=N", (plan, value) => WithBreak(plan, BreakKind.Eof, value)),
        ("for", "for=MS", (plan, value) => Number(value, MaxMilliseconds) is { } ms ? plan with { For = TimeSpan.FromMilliseconds(ms) } : null),
        ("fallback", "fallback or fallback=ALIAS", (plan, value) => value is not "" ? plan with { Fallback = new Fallback(value) } : null),
        ("fallback-mid", "fallback-mid=N or fallback-mid=N@ALIAS", WithMidFallback),
        ("retries", "retries=N", (plan, value) => Count(value, from: 1) is { } retries ? plan with { Retries = retries } : null),
        ("hold", "hold=NAME or hold=NAME@N", WithHold),
        ("spend", "spend=none|+N|-N", (plan, value) => Spend(value) is { } spend ? plan with { Spend = spend } : null),
        ("cache-write", "cache-write=N or cache-write=N+HOUR", (plan, value) => CacheWriteOf(value) is { } write ? plan with { CacheWrite = write } : null),
        ("proxy", "proxy=newer", (plan, value) => value == "newer" ? plan with { NewerProxy = true } : null),
    ];

    /// <summary>The faults of a call: those of the header, or, without it, those of markers in its last question.</summary>
    /// <exception cref="GatewayException">Something in them is not known; says what is.</exception>
    public static FaultPlan Read(HttpRequest http, ChatCompletionRequest request) => Read(
        http.Headers.TryGetValue(FaultsApi.Header, out var header)
            ? header.ToString()
            : FaultMarker.Read(Conversation.TextOf(request.Messages.LastOrDefault(message => message.Role == "user")?.Content), request.Model));

    /// <inheritdoc cref="Read(HttpRequest, ChatCompletionRequest)"/>
    public static FaultPlan Read(string text)
    {
        var plan = FaultPlan.None;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var written in text.Split([';', ',', ' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = written.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = equals < 0 ? (written, null) : (written[..equals], written[(equals + 1)..]);
            var (known, form, apply) = Known.FirstOrDefault(fault => fault.Name == name);
            if (known is null)
            {
                throw Wrong($"There is no fault '{name}'.");
            }

            // Several holds are several places; anything else said twice is a mistake.
            if (!seen.Add(name) && name != "hold")
            {
                throw Wrong($"The fault '{name}' is there twice.");
            }

            plan = apply(plan, value) ?? throw Wrong($"The fault '{written}' is not of the form {form}.");
        }

        return Contradiction(plan) is { } contradiction ? throw Wrong(contradiction) : plan;
    }

    private static GatewayException Wrong(string reason) =>
        GatewayException.WrongFault($"{reason} Known faults: {string.Join(", ", Known.Select(fault => fault.Form))}.");

    private static string? Contradiction(FaultPlan plan) => plan switch
    {
        { For: not null, Break: not { Kind: BreakKind.Stall }, Usage: not UsageForm.Late } => "'for' is how long 'stall' or 'usage=late' lasts: one of them is missing.",
        { For: not null, Break.Kind: BreakKind.Stall, Usage: UsageForm.Late } => "'for' cannot be for 'stall' and for 'usage=late' at once.",
        { Refusal: not null } when plan with { Refusal = null } != FaultPlan.None => "'status' refuses the call: nothing else can happen in it.",
        { Length: not null, Echo: not null } => "'length' and 'echo' exclude each other.",
        { Fallback: not null, MidFallback: not null } => "'fallback' and 'fallback-mid' exclude each other.",
        _ => null,
    };

    private static FaultPlan? WithBreak(FaultPlan plan, BreakKind kind, string? value, int from = 0) => plan.Break is null
        ? Count(value, from) is { } after ? plan with { Break = new Break(kind, after) } : null
        : throw Wrong("An answer breaks once: 'stall', 'error', 'reset', 'upstream-reset', 'upstream-eof' and 'eof' exclude each other.");

    private static FaultPlan? WithMidFallback(FaultPlan plan, string? value)
    {
        var (count, alias) = AtSign(value, value?.IndexOf('@', StringComparison.Ordinal) ?? -1);
        return Count(count, from: 1) is { } after && alias is not "" ? plan with { MidFallback = new MidFallback(after, alias) } : null;
    }

    private static FaultPlan? WithHold(FaultPlan plan, string? value)
    {
        var (name, count) = AtSign(value, value?.LastIndexOf('@') ?? -1);
        return name is { Length: > 0 } && Count(count ?? "0", from: 0) is { } after ? plan with { Holds = [.. plan.Holds, new HoldPoint(name, after)] } : null;
    }

    private static (string? Before, string? After) AtSign(string? value, int at) => at < 0 ? (value, null) : (value![..at], value[(at + 1)..]);

    private static UsageForm? Usage(string? value) => value switch
    {
        "none" => UsageForm.None,
        "unreported" => UsageForm.Unreported,
        "zero" => UsageForm.Zero,
        "late" => UsageForm.Late,
        "mid" => UsageForm.Mid,
        "repeated" => UsageForm.Repeated,
        "cumulative" => UsageForm.Cumulative,
        "guess" => UsageForm.Guess,
        _ => null,
    };

    private static CacheWrite? CacheWriteOf(string? value)
    {
        var plus = value?.IndexOf('+', StringComparison.Ordinal) ?? -1;
        return plus < 0
            ? Count(value, from: 1) is { } all ? new CacheWrite(all, 0) : null
            : Count(value![..plus], from: 0) is { } fiveMinutes && Count(value[(plus + 1)..], from: 1) is { } hour ? new CacheWrite(fiveMinutes, hour) : null;
    }

    private static SpendFault? Spend(string? value) => value switch
    {
        "none" => new SpendFault(null),
        ['+', .. var more] when Count(more, from: 1) is { } tokens => new SpendFault(tokens),
        ['-', .. var fewer] when Count(fewer, from: 1) is { } tokens => new SpendFault(-tokens),
        _ => null,
    };

    private static Refusal? RefusalOf(string? value) => value switch
    {
        "429" => Refusal.RateLimited,
        "500" => Refusal.ServerError,
        "503" => Refusal.Overloaded,
        "401" => Refusal.WrongProviderKey,
        "400" => Refusal.BadRequest,
        "404" => Refusal.NoSuchModel,
        "408" => Refusal.TimedOut,
        "context" => Refusal.ContextWindowExceeded,
        _ => null,
    };

    private static int? Count(string? value, int from) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= from && count <= MaxTokens ? count : null;

    private static double? Number(string? value, double most) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number <= most ? number : null;
}
