namespace LlmAspire.Usage;

/// <summary>What a change would lead to, together with what is in force: possible, but hardly meant.</summary>
internal static class PriceConsequences
{
    /// <param name="periods">Of the models in the change, from its start on, as if it were saved.</param>
    public static IEnumerable<PriceProblem> Check(IReadOnlyList<PriceEntry> entries, IReadOnlyList<PricePeriod> periods)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            // Once a model: with its first entry.
            if (entries.Take(i).Any(entry => IsOf(entry, entries[i].Provider, entries[i].Model)))
            {
                continue;
            }

            var later = periods.Where(period => IsOf(entries[i], period.Provider, period.Model)).ToList();
            if (later.Find(period => period.Input is null != period.Output is null) is { } half)
            {
                yield return new PriceProblem(
                    i, "incomplete",
                    $"From {half.ValidFrom:yyyy-MM-dd HH:mm} UTC {half.Model} has a price for {(half.Input is null ? "output" : "input")} only: it would be unpriced. Give both, 0 where there is none.",
                    CanBeAccepted: true);
            }

            if (later.Find(period => period.CachedInput > period.Input) is { } dear)
            {
                yield return new PriceProblem(
                    i, "cached_dearer",
                    $"From {dear.ValidFrom:yyyy-MM-dd HH:mm} UTC a cached token of {dear.Model} would cost more than one that is not.", CanBeAccepted: true);
            }
        }
    }

    private static bool IsOf(PriceEntry entry, string provider, string model) => entry.Provider == provider && entry.Model == model;
}
