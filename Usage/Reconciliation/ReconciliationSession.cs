using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>The work on comparisons, while this process alone does it. For one thread at a time.</summary>
public sealed class ReconciliationSession : IAsyncDisposable
{
    /// <summary>A day of some millions of calls takes its time.</summary>
    private const int ComparisonSeconds = 600;

    private readonly NpgsqlConnection _connection;

    internal ReconciliationSession(NpgsqlConnection connection) => _connection = connection;

    /// <summary>The days that were not compared yet, or whose rows have changed since, oldest first. Days before the first call have nothing to compare.</summary>
    /// <param name="now">The present.</param>
    /// <param name="delay">Calls that are younger are not compared yet.</param>
    /// <param name="daysBack">How far back, beside the running day.</param>
    /// <param name="interval">The time between two comparisons of the running day.</param>
    public async Task<IReadOnlyList<DueDay>> ReadDueAsync(
        DateTimeOffset now, TimeSpan delay, int daysBack, TimeSpan interval, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ReconciliationSql.DueDays, _connection);
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now.ToUniversalTime() });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = delay });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = daysBack });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = interval });
        List<DueDay> days = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            days.Add(new DueDay(
                await reader.GetFieldValueAsync<DateOnly>(0, cancellationToken), await reader.GetFieldValueAsync<DateTimeOffset>(1, cancellationToken)));
        }

        return days;
    }

    /// <summary>Makes room for the logs of the next day.</summary>
    public Task BeginDayAsync(CancellationToken cancellationToken) => ExecuteAsync(ReconciliationSql.BeginDay, cancellationToken);

    /// <summary>Takes logs for the day. They may come in any order, and more than once.</summary>
    public async Task AddAsync(IEnumerable<GatewayLog> logs, CancellationToken cancellationToken)
    {
        await using var copy = await _connection.BeginBinaryImportAsync(ReconciliationSql.CopyLogs, cancellationToken);
        foreach (var log in logs)
        {
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync(SqlText.Storable(log.RequestId)!, NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(SqlText.Storable(log.CallKey)!, NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(SqlText.Storable(log.Provider), NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(SqlText.Storable(log.Model), NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(log.PromptTokens, NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(log.CompletionTokens, NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(log.CostUsd, NpgsqlDbType.Numeric, cancellationToken);
            await copy.WriteAsync(log.At.ToUniversalTime(), NpgsqlDbType.TimestampTz, cancellationToken);
        }

        await copy.CompleteAsync(cancellationToken);
    }

    /// <summary>Compares the logs that were taken with the rows of the day. What was found replaces what an earlier comparison found.</summary>
    /// <param name="mostDifferences">Of the calls that differ so many are kept, those that differ most.</param>
    public async Task<IReadOnlyList<ComparedModel>> CompareAsync(DueDay day, DateTimeOffset now, int mostDifferences, CancellationToken cancellationToken)
    {
        await ExecuteAsync(ReconciliationSql.Analyze, cancellationToken);
        // Before the rows are read: what is recorded later has not been seen.
        await using var pin = new NpgsqlCommand(ReconciliationSql.Pin, _connection);
        var asOf = new DateTimeOffset((DateTime)(await pin.ExecuteScalarAsync(cancellationToken))!);
        await using var transaction = await _connection.BeginTransactionAsync(cancellationToken);
        await using (var compare = new NpgsqlCommand(ReconciliationSql.Compare, _connection) { CommandTimeout = ComparisonSeconds })
        {
            compare.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = day.From });
            compare.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = day.Until.ToUniversalTime() });
            await compare.ExecuteNonQueryAsync(cancellationToken);
        }

        var before = await ReadModelsAsync(day, cancellationToken);
        foreach (var statement in ReconciliationSql.SaveDay)
        {
            await using var save = new NpgsqlCommand(statement, _connection);
            save.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = day.Day, NpgsqlDbType = NpgsqlDbType.Date });
            save.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = day.Until.ToUniversalTime() });
            save.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = asOf.ToUniversalTime() });
            save.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now.ToUniversalTime() });
            save.Parameters.Add(new NpgsqlParameter<int> { TypedValue = mostDifferences });
            await save.ExecuteNonQueryAsync(cancellationToken);
        }

        var after = await ReadModelsAsync(day, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return [.. after.Select(model => model with { IsNew = !before.Contains(model) })];
    }

    /// <summary>Takes down which invoices differ by more than they should.</summary>
    /// <param name="drifting">All that do at present.</param>
    /// <returns>Those of which this was not said before, or not with these figures.</returns>
    public async Task<IReadOnlyList<ReconciliationRow>> NoticeInvoicesAsync(
        IReadOnlyCollection<ReconciliationRow> drifting, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ReconciliationSql.NoticeInvoices, _connection);
        command.Parameters.Add(new NpgsqlParameter<DateOnly[]> { TypedValue = [.. drifting.Select(row => row.Day)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Date });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. drifting.Select(row => row.Provider ?? "")] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. drifting.Select(row => row.Model ?? "")] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. drifting.Select(row => row.DriftTokens)] });
        command.Parameters.Add(new NpgsqlParameter<decimal?[]> { TypedValue = [.. drifting.Select(row => row.DriftCostUsd)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Numeric });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now.ToUniversalTime() });
        HashSet<(DateOnly, string, string)> news = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            news.Add((await reader.GetFieldValueAsync<DateOnly>(0, cancellationToken), reader.GetString(1), reader.GetString(2)));
        }

        return [.. drifting.Where(row => news.Contains((row.Day, row.Provider ?? "", row.Model ?? "")))];
    }

    /// <summary>Keeps whether the gateway's logs could be read, for those who ask the Api.</summary>
    /// <param name="problem">One of <see cref="GatewayProblem"/>; null when they could.</param>
    public async Task SaveStateAsync(string? problem, decimal threshold, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ReconciliationSql.SaveState, _connection);
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = problem, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter<decimal> { TypedValue = threshold });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now.ToUniversalTime() });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Lets others do the work. The logs that were taken go.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            // The connection goes back into its pool, and would keep the lock.
            await ExecuteAsync(ReconciliationSql.End, CancellationToken.None);
        }
        catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException)
        {
            // It is broken: the lock went with it.
        }

        await _connection.DisposeAsync();
    }

    private async Task<List<ComparedModel>> ReadModelsAsync(DueDay day, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ReconciliationSql.ModelsOfDay, _connection);
        command.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = day.Day, NpgsqlDbType = NpgsqlDbType.Date });
        List<ComparedModel> models = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            models.Add(new ComparedModel(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetDecimal(3), IsNew: false));
        }

        return models;
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
