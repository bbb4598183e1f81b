using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// The prices: reading them as of any revision, and saving new ones. Nothing that was saved is changed; see docs/prices.md. Safe to call concurrently, from
/// any number of processes.
/// </summary>
public sealed class PriceRegistry(NpgsqlDataSource source, TimeProvider time)
{
    private const string Periods = "SELECT * FROM ledger.price_periods($1) ORDER BY provider, model, valid_from";

    private const string DraftPeriods = """
        SELECT * FROM ledger.price_periods($1, $2) AS period
        WHERE EXISTS (
            SELECT FROM jsonb_to_recordset($2) AS draft (provider text, model text, effective_from timestamptz)
            WHERE (draft.provider, draft.model) = (period.provider, period.model) AND draft.effective_from < period.valid_to)
        ORDER BY provider, model, valid_from
        """;

    private const string Revisions = """
        SELECT price.provider, price.model, price.token_class, price.effective_from, price.usd_per_million,
            revision.source, revision.id, revision.created_at, revision.author, revision.reason
        FROM ledger.llm_price AS price JOIN ledger.price_revision AS revision ON revision.id = price.revision_id
        WHERE price.provider = $1 AND price.model = $2
        ORDER BY revision.id DESC, price.token_class, price.effective_from
        """;

    private const string Unpriced = """
        SELECT provider, served_model, price_provider, price_model, calls, prompt_tokens, completion_tokens, first_hour, last_hour
        FROM ledger.unpriced_usage($1, $2, $3)
        ORDER BY calls DESC, price_provider, price_model, provider, served_model
        """;

    /// <returns>The prices as of a revision, the newest when it is null; null when there is no such revision.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away; so for all of these.</exception>
    public async Task<PriceList?> ReadAsync(long? asOfRevision, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        var newest = await NewestAsync(connection, cancellationToken);
        return asOfRevision is < 0 || asOfRevision > newest
            ? null
            : await ReadAsync(connection, asOfRevision ?? newest, cancellationToken);
    }

    /// <returns>The newest revision; 0 when there is none yet.</returns>
    public Task<long> ReadNewestAsync(CancellationToken cancellationToken) => ReadNewestAsync(source, cancellationToken);

    /// <returns>What was ever said of a model, the newest first.</returns>
    public async Task<IReadOnlyList<PriceRevision>> ReadHistoryAsync(string provider, string model, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Revisions);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = provider });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model });
        List<(PriceRevision Revision, PriceEntry Entry)> rows = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add((
                new PriceRevision(
                    reader.GetInt64(6), await reader.GetFieldValueAsync<DateTimeOffset>(7, cancellationToken), reader.GetString(8), reader.GetString(9),
                    PriceSql.ReadSource(reader, 5), []),
                PriceSql.ReadEntry(reader)));
        }

        return [.. rows.GroupBy(row => row.Revision.Id).Select(group => group.First().Revision with { Entries = [.. group.Select(row => row.Entry)] })];
    }

    /// <summary>What was used within a time, by whole hours, and has no price as of a revision.</summary>
    public async Task<IReadOnlyList<UnpricedUsage>> ReadUnpricedAsync(
        long asOfRevision, DateTimeOffset since, DateTimeOffset until, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Unpriced);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = asOfRevision });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = since.ToUniversalTime() });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = until.ToUniversalTime() });
        List<UnpricedUsage> unpriced = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            unpriced.Add(new UnpricedUsage(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetInt64(4), reader.GetInt64(5), reader.GetInt64(6),
                await reader.GetFieldValueAsync<DateTimeOffset>(7, cancellationToken), await reader.GetFieldValueAsync<DateTimeOffset>(8, cancellationToken)));
        }

        return unpriced;
    }

    /// <summary>What would be wrong with a change as of a revision.</summary>
    /// <returns>The problems; none when it may be saved.</returns>
    public async Task<IReadOnlyList<PriceProblem>> CheckAsync(IReadOnlyList<PriceEntry> entries, long asOfRevision, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        return await CheckAsync(connection, entries, asOfRevision, cancellationToken);
    }

    /// <summary>
    /// Saves a change as a new revision. Entries that say what counts already are left out; when all do, no revision is made.
    /// </summary>
    /// <param name="expectedRevision">The newest that the author knows; null when it does not matter.</param>
    /// <param name="acceptImplausible">What is hardly meant is meant.</param>
    /// <returns>The newest revision.</returns>
    /// <exception cref="PricesRefusedException">The entries are not valid.</exception>
    /// <exception cref="PricesChangedException">The newest revision is another one than expected.</exception>
    public async Task<long> SaveAsync(
        PriceSource from, string author, string reason, IReadOnlyList<PriceEntry> entries, long? expectedRevision, bool acceptImplausible,
        CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var newest = await LockAsync(connection, cancellationToken);
        if (expectedRevision is { } expected && expected != newest)
        {
            throw new PricesChangedException(newest);
        }

        var problems = await CheckAsync(connection, entries, newest, cancellationToken);
        if (problems.Any(problem => !problem.CanBeAccepted || !acceptImplausible))
        {
            throw new PricesRefusedException(problems);
        }

        var known = (await ReadEntriesAsync(connection, newest, cancellationToken))
            .Where(saved => saved.Source == PriceSource.Gateway == (from == PriceSource.Gateway)).Select(saved => saved.Entry).ToHashSet();
        var saved = await InsertAsync(
            connection, from, author, reason,
            [.. entries.Select(entry => entry with { EffectiveFrom = entry.EffectiveFrom.ToUniversalTime() }).Where(entry => !known.Contains(entry))],
            cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return saved ?? newest;
    }

    /// <returns>The newest revision; 0 when there is none yet.</returns>
    internal static async Task<long> ReadNewestAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        return await NewestAsync(connection, cancellationToken);
    }

    /// <summary>Lets other savers wait until the end of the transaction.</summary>
    /// <returns>The newest revision.</returns>
    internal static async Task<long> LockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(PriceSql.Lock, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
        return await NewestAsync(connection, cancellationToken);
    }

    /// <returns>The new revision; null when there was nothing to say.</returns>
    internal static async Task<long?> InsertAsync(
        NpgsqlConnection connection, PriceSource from, string author, string reason, IReadOnlyList<PriceEntry> entries, CancellationToken cancellationToken)
    {
        if (entries.Count == 0)
        {
            return null;
        }

        await using var revision = new NpgsqlCommand(PriceSql.InsertRevision, connection);
        revision.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = SqlText.Storable(author) });
        revision.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = SqlText.Storable(reason) });
        revision.Parameters.Add(new NpgsqlParameter<string> { TypedValue = from.ToString().ToLowerInvariant() });
        var id = (long)(await revision.ExecuteScalarAsync(cancellationToken))!;
        await using var prices = new NpgsqlCommand(PriceSql.InsertPrices, connection);
        prices.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        prices.Parameters.AddRange(PriceSql.ParametersOf(entries).ToArray());
        await prices.ExecuteNonQueryAsync(cancellationToken);
        return id;
    }

    internal static async Task<List<SavedPrice>> ReadEntriesAsync(NpgsqlConnection connection, long revision, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(PriceSql.Entries, connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = revision });
        List<SavedPrice> entries = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(new SavedPrice(PriceSql.ReadEntry(reader), PriceSql.ReadSource(reader, 5), reader.GetInt64(6)));
        }

        return entries;
    }

    private static async Task<long> NewestAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(PriceSql.NewestRevision, connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task<PriceList> ReadAsync(NpgsqlConnection connection, long revision, CancellationToken cancellationToken)
    {
        var entries = await ReadEntriesAsync(connection, revision, cancellationToken);
        await using var command = new NpgsqlCommand(Periods, connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = revision });
        return new PriceList(revision, entries, await PriceSql.ReadPeriodsAsync(command, cancellationToken));
    }

    private async Task<IReadOnlyList<PriceProblem>> CheckAsync(
        NpgsqlConnection connection, IReadOnlyList<PriceEntry> entries, long revision, CancellationToken cancellationToken)
    {
        var problems = PriceValidator.Check(entries, time.GetUtcNow());
        if (problems.Any(problem => !problem.CanBeAccepted))
        {
            return problems;
        }

        if (await FoldedHours.CheckPricesAsync(connection, entries, cancellationToken) is { Count: > 0 } late)
        {
            return [.. problems, .. late];
        }

        await using var command = new NpgsqlCommand(DraftPeriods, connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = revision });
        command.Parameters.Add(PriceSql.Draft(entries));
        return [.. problems, .. PriceConsequences.Check(entries, await PriceSql.ReadPeriodsAsync(command, cancellationToken))];
    }
}
