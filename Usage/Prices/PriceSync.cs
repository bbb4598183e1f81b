using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Keeps the gateway's prices: what is another one than the last becomes a revision. Any number of processes may do it at once; one change makes one
/// revision.
/// </summary>
public sealed class PriceSync(NpgsqlDataSource source, TimeProvider time)
{
    private const string Author = "gateway";

    /// <summary>
    /// Asks the gateway and saves what has changed. A model that is new counts from the beginning, or the calls that it had before would be unpriced; a change
    /// counts from the present hour. A model that the gateway no longer names, or knows no price of, keeps its last one. When prices were saved meanwhile the
    /// answer may be older than they are: it is dropped, and the gateway asked again.
    /// </summary>
    /// <param name="ask">Asks the gateway. What it throws comes through, and nothing was saved.</param>
    /// <returns>How many prices have changed, and the revision; null when nothing has.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away: nothing was saved.</exception>
    public async Task<(long Revision, int Changes)?> SyncAsync(
        Func<CancellationToken, Task<IReadOnlyList<GatewayModelPrices>>> ask, CancellationToken cancellationToken)
    {
        while (true)
        {
            var before = await PriceRegistry.ReadNewestAsync(source, cancellationToken);
            var models = await ask(cancellationToken);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            if (await PriceRegistry.LockAsync(connection, cancellationToken) == before)
            {
                var changes = await FindChangesAsync(connection, before, models, cancellationToken);
                var saved = await PriceRegistry.InsertAsync(
                    connection, PriceSource.Gateway, Author, $"{changes.Length} prices of the gateway have changed", changes, cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                return saved is { } revision ? (revision, changes.Length) : null;
            }
        }
    }

    private async Task<PriceEntry[]> FindChangesAsync(
        NpgsqlConnection connection, long newest, IReadOnlyList<GatewayModelPrices> models, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var hour = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, TimeSpan.Zero);
        var known = (await PriceRegistry.ReadEntriesAsync(connection, newest, cancellationToken))
            .Where(saved => saved.Source == PriceSource.Gateway).Select(saved => saved.Entry).ToLookup(entry => (entry.Provider, entry.Model));

        return [.. models.SelectMany(model => Changes(model, [.. known[(model.Provider, model.Model)]], hour))];
    }

    private static IEnumerable<PriceEntry> Changes(GatewayModelPrices model, IReadOnlyList<PriceEntry> known, DateTimeOffset hour)
    {
        foreach (var tokenClass in TokenClasses.All)
        {
            decimal? price = model.Prices.TryGetValue(tokenClass, out var told) ? told : null;
            var last = known.Where(entry => entry.TokenClass == tokenClass && entry.EffectiveFrom <= hour).MaxBy(entry => entry.EffectiveFrom)?.UsdPerMillion;
            if (price != last)
            {
                yield return new PriceEntry(model.Provider, model.Model, tokenClass, known.Count == 0 ? PriceValidator.Earliest : hour, price);
            }
        }
    }
}
