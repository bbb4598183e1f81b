namespace LlmAspire.Usage;

/// <summary>What is wrong with an entry of a change.</summary>
/// <param name="Index">Of the entry, from 0.</param>
/// <param name="Code">A stable word for programs.</param>
/// <param name="Message">What is wrong and what to do.</param>
/// <param name="CanBeAccepted">Possible, but hardly meant: it is taken by who says so.</param>
public sealed record PriceProblem(int Index, string Code, string Message, bool CanBeAccepted = false);

/// <summary>A change was refused; nothing was saved.</summary>
public sealed class PricesRefusedException(IReadOnlyList<PriceProblem> problems) : Exception("The prices are not valid.")
{
    public IReadOnlyList<PriceProblem> Problems => problems;
}

/// <summary>Somebody saved another revision meanwhile; nothing was saved.</summary>
public sealed class PricesChangedException(long revision) : Exception($"The prices are at revision {revision}.")
{
    /// <summary>The newest.</summary>
    public long Revision => revision;
}
