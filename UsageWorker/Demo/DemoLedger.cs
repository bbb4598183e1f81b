using LlmAspire.Usage;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.UsageWorker.Demo;

/// <summary>Gives the demo accounts a <see cref="DemoMonth"/>. The calls go into the inbox, as all calls do; the worker takes them from there.</summary>
internal sealed class DemoLedger(NpgsqlDataSource source, TimeProvider time)
{
    private const int WrittenAtOnce = 1_000;

    /// <summary>The organisations that the Api makes in Development: Demo and Rival.</summary>
    private static readonly Guid[] Organisations = [new("0195f000-0000-7000-8000-00000000de30"), new("0195f000-0000-7000-8000-00000000de31")];

    private static readonly string[] Plans = ["basic", "pro", "enterprise"];

    private const string AreThereAccounts = "SELECT to_regclass('tenant.account') IS NOT NULL";

    private const string People = """
        SELECT account.id, organisation.id, coalesce(account.plan, organisation.plan)
        FROM tenant.account JOIN tenant.organisation ON organisation.id = account.organisation_id
        WHERE organisation.id = ANY($1) ORDER BY account.created_at, account.id
        """;

    /// <summary>A month whose rows were dropped keeps its sums: it would count twice.</summary>
    private const string Missing = """
        SELECT id FROM unnest($1) AS id
        WHERE NOT EXISTS (SELECT FROM ledger.llm_usage AS there WHERE there.created_at = ledger.uuid_v7_time(id) AND there.id = id.id)
            AND ledger.uuid_v7_time(id) >= coalesce((SELECT dropped_before FROM ledger.usage_retention), '-infinity')
        """;

    /// <summary>Writes the calls that the ledger does not have. Doing it twice, or at once, makes no call twice.</summary>
    /// <returns>How many calls the month has, and how many were written; null when there are no demo accounts.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away or has no ledger. What was written until then stays, and is completed the next time.</exception>
    public async Task<(int Calls, int Written)?> FillAsync(CancellationToken cancellationToken)
    {
        var people = await ReadPeopleAsync(cancellationToken);
        if (people.Count == 0)
        {
            return null;
        }

        List<UsageEvent> calls = [.. new DemoMonth(DemoModel.All).Calls(people, time.GetUtcNow())];
        var missing = await ReadMissingAsync(calls, cancellationToken);
        UsageEvent[] written = [.. calls.Where(call => missing.Contains(call.Id))];
        var inbox = new InboxTable(source, NullLogger<InboxTable>.Instance);
        foreach (var some in written.Chunk(WrittenAtOnce))
        {
            await inbox.InsertAsync(some, cancellationToken);
        }

        return (calls.Count, written.Length);
    }

    private async Task<List<DemoPerson>> ReadPeopleAsync(CancellationToken cancellationToken)
    {
        await using var exists = source.CreateCommand(AreThereAccounts);
        if (await exists.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return [];
        }

        await using var command = source.CreateCommand(People);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = Organisations, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        List<DemoPerson> people = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            people.Add(new DemoPerson(reader.GetGuid(0), reader.GetGuid(1), Array.IndexOf(Plans, reader.GetString(2))));
        }

        return people;
    }

    private async Task<HashSet<Guid>> ReadMissingAsync(List<UsageEvent> calls, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Missing);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. calls.Select(call => call.Id)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        HashSet<Guid> missing = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            missing.Add(reader.GetGuid(0));
        }

        return missing;
    }
}
