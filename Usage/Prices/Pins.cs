using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>Says what a report may be pinned to. Safe to call concurrently.</summary>
public sealed class Pins([FromKeyedServices(ConnectionPool.Reading)] NpgsqlDataSource source)
{
    /// <summary>
    /// The newest pin at which nothing can change any more. What is being written at this moment is after it. Asked for before the report reads: a
    /// snapshot that is older than the pin may lack what the pin covers.
    /// </summary>
    /// <exception cref="NpgsqlException">When PostgreSQL is away.</exception>
    public async Task<AsOf> NewestAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT price_revision, recorded_at FROM ledger.newest_pin()");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new AsOf(reader.GetInt64(0), await reader.GetFieldValueAsync<DateTimeOffset>(1, cancellationToken));
    }

    /// <summary>The pin that a report was asked for with, or the newest.</summary>
    /// <exception cref="PinUnknownException">Something may still be recorded at it, or its revision does not exist.</exception>
    /// <exception cref="NpgsqlException">When PostgreSQL is away.</exception>
    internal async Task<AsOf> CheckAsync(AsOf? asked, CancellationToken cancellationToken)
    {
        var newest = await NewestAsync(cancellationToken);
        return asked is null ? newest
            : asked.PriceRevision <= newest.PriceRevision && asked.RecordedAt <= newest.RecordedAt ? asked
            : throw new PinUnknownException(asked);
    }
}
