namespace LlmAspire.Usage;

/// <summary>Calls, summed by what was asked for.</summary>
/// <param name="AsOf">Asked for again with it, the figures are those of the rows that had been recorded then.</param>
/// <param name="IsFromRollups">Whether roll-ups were read: then what was recorded after the pin, up to the moment of reading, is in the figures too.</param>
/// <param name="Groups">In the order of their keys.</param>
/// <param name="Totals">Of all groups.</param>
public sealed record UsageSummary(AsOf AsOf, bool IsFromRollups, IReadOnlyList<SummaryGroup> Groups, ReportSums Totals)
{
    /// <summary>The users that are keys of groups.</summary>
    public required IReadOnlyCollection<Guid> Users { get; init; }

    /// <summary>The organisations that are keys of groups.</summary>
    public required IReadOnlyCollection<Guid> Organisations { get; init; }
}

/// <summary>One line of a summary.</summary>
public sealed class SummaryGroup
{
    private readonly GroupSums _sums;
    private readonly ReportPrices _prices;

    internal SummaryGroup(IReadOnlyList<string?> keys, GroupSums sums, ReportPrices prices) => (Keys, _sums, _prices) = (keys, sums, prices);

    /// <summary>In the order in which they were asked for: a day, week or month as its first day, an hour with its offset, null for an unknown provider.</summary>
    public IReadOnlyList<string?> Keys { get; }

    /// <summary>Made each time that they are asked for.</summary>
    public ReportSums Sums => _sums.ToReport(_prices);
}

/// <summary>A report has more groups than anybody reads.</summary>
public sealed class ReportTooLargeException(int most) : Exception($"The report has more than {most} groups.")
{
    public int Most => most;
}

/// <summary>A pin is of a revision that does not exist, or of a time at which something may still be recorded.</summary>
public sealed class PinUnknownException(AsOf asOf) : Exception($"There is nothing to be read at {asOf} yet.");
