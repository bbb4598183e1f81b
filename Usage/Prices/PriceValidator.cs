using System.Globalization;

namespace LlmAspire.Usage;

/// <summary>What can be said of the entries of a change by themselves. What follows of them together with what is in force says <see cref="PriceRegistry"/>.</summary>
public static class PriceValidator
{
    /// <summary>In one change.</summary>
    public const int MostEntries = 5_000;

    public const int MostNameCharacters = 500;

    /// <summary>Of a price in USD per million tokens: less than a millionth of a cent for a million.</summary>
    public const int MostDecimals = 12;

    /// <summary>No price is above it, whoever accepts what.</summary>
    public const decimal HighestPrice = 1_000_000m;

    /// <summary>Below it, except for 0, a price was probably given for one token.</summary>
    public const decimal LowestPlausible = 0.001m;

    /// <summary>Above it a price was probably given for something else than a million tokens.</summary>
    public const decimal HighestPlausible = 10_000m;

    /// <summary>A price that always was begins here: before it there are no calls.</summary>
    public static readonly DateTimeOffset Earliest = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private const int MostYearsAhead = 2;

    /// <param name="now">UTC.</param>
    /// <returns>All that is wrong; nothing when the entries may be saved.</returns>
    public static IReadOnlyList<PriceProblem> Check(IReadOnlyList<PriceEntry> entries, DateTimeOffset now)
    {
        if (entries.Count is 0 or > MostEntries)
        {
            return [new PriceProblem(0, "entries_count", string.Create(
                CultureInfo.InvariantCulture, $"A change has between 1 and {MostEntries:N0} entries, this one {entries.Count:N0}."))];
        }

        List<PriceProblem> problems = [];
        Dictionary<(string, string, string, DateTimeOffset), int> seen = [];
        for (var i = 0; i < entries.Count; i++)
        {
            var before = problems.Count;
            CheckNames(entries[i], i, problems);
            CheckStart(entries[i].EffectiveFrom, now, i, problems);
            CheckPrice(entries[i].UsdPerMillion, i, problems);
            var key = (entries[i].Provider, entries[i].Model, entries[i].TokenClass, From: entries[i].EffectiveFrom.ToUniversalTime());
            if (problems.Count == before && !seen.TryAdd(key, i))
            {
                problems.Add(new PriceProblem(
                    i, "overlapping",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Entry {seen[key]} already says what {key.TokenClass} of {key.Provider} / {key.Model} costs from {key.From:yyyy-MM-dd'T'HH:mm:ss'Z'} on. Leave one of the two out.")));
            }
        }

        return problems;
    }

    private static void CheckNames(PriceEntry entry, int index, List<PriceProblem> problems)
    {
        CheckName(entry.Provider, "provider");
        CheckName(entry.Model, "model");
        if (!TokenClasses.All.Contains(entry.TokenClass))
        {
            problems.Add(new PriceProblem(index, "class_unknown", $"There is no class of tokens of this name. It is one of {string.Join(", ", TokenClasses.All)}."));
        }

        void CheckName(string? name, string what)
        {
            if (string.IsNullOrWhiteSpace(name))
            {
                problems.Add(new PriceProblem(index, $"{what}_missing", $"Give the {what} as GET /prices/unpriced (price{char.ToUpperInvariant(what[0])}{what[1..]}) or the ledger shows it."));
            }
            else if (name.Length > MostNameCharacters || name != SqlText.Storable(name) || name != name.Trim())
            {
                problems.Add(new PriceProblem(
                    index, $"{what}_invalid", $"A {what} has up to {MostNameCharacters} characters, no white space around it, and none that text cannot hold."));
            }
        }
    }

    private static void CheckStart(DateTimeOffset from, DateTimeOffset now, int index, List<PriceProblem> problems)
    {
        if (from.UtcTicks % TimeSpan.TicksPerHour != 0)
        {
            problems.Add(new PriceProblem(index, "not_a_whole_hour", "A price begins with a whole hour of UTC, such as 2026-12-01T00:00:00Z."));
        }
        else if (from < Earliest)
        {
            problems.Add(new PriceProblem(index, "too_old", "A price begins in 2000 or later: 2000-01-01T00:00:00Z means always."));
        }
        else if (from > now.AddYears(MostYearsAhead))
        {
            problems.Add(new PriceProblem(index, "too_far_ahead", $"A price begins within {MostYearsAhead} years from now."));
        }
    }

    private static void CheckPrice(decimal? price, int index, List<PriceProblem> problems)
    {
        switch (price)
        {
            case null or 0:
                break;
            case < 0:
                problems.Add(new PriceProblem(index, "negative", "A price is 0 or more. To end a price send null."));
                break;
            case > HighestPrice:
                problems.Add(new PriceProblem(index, "too_high", $"A price is at most {HighestPrice:0} USD for a million tokens."));
                break;
            case { } any when decimal.Round(any, MostDecimals) != any:
                problems.Add(new PriceProblem(index, "too_many_decimals", $"A price in USD per million tokens has at most {MostDecimals} decimals."));
                break;
            case < LowestPlausible:
                problems.Add(new PriceProblem(
                    index, "implausibly_low",
                    string.Create(CultureInfo.InvariantCulture, $"{price} USD for a million tokens: is this the price of one token? Multiply it by 1,000,000."),
                    CanBeAccepted: true));
                break;
            case > HighestPlausible:
                problems.Add(new PriceProblem(
                    index, "implausibly_high", string.Create(CultureInfo.InvariantCulture, $"{price} USD for a million tokens is more than any model costs."),
                    CanBeAccepted: true));
                break;
        }
    }
}
