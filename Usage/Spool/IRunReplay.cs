using Npgsql;

namespace LlmAspire.Usage;

/// <summary>Brings records of runs from the spool to PostgreSQL. The ledger does not know what is in them.</summary>
public interface IRunReplay
{
    /// <summary>Writes records in the order in which they came. Writing one twice is harmless; one that PostgreSQL can never take is logged and left out.</summary>
    /// <exception cref="System.Text.Json.JsonException">One of them is none of this version; nothing was written.</exception>
    /// <exception cref="NpgsqlException">When PostgreSQL is away: they stay in the spool.</exception>
    Task ReplayAsync(IReadOnlyList<string> records, CancellationToken cancellationToken);
}
