using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>The columns of a kind of row, and what goes into them, for statements that take one row or many.</summary>
internal sealed class SqlColumns<TRow>(params SqlColumn<TRow>[] columns)
{
    /// <summary>The name of each.</summary>
    public IEnumerable<string> Each => columns.Select(column => column.Name);

    /// <summary>As SQL: <c>id, request_id, …</c></summary>
    public string Names { get; } = string.Join(", ", columns.Select(column => column.Name));

    /// <summary>The parameters from <c>$1</c> on.</summary>
    public string Numbers { get; } = string.Join(", ", Enumerable.Range(1, columns.Length).Select(number => $"${number}"));

    public SqlColumns<TRow> With(SqlColumn<TRow> more) => new([.. columns, more]);

    /// <summary>An array for each column.</summary>
    public IEnumerable<NpgsqlParameter> ParametersOf(IReadOnlyList<TRow> rows) => columns.Select(column => column.ArrayOf(rows));

    /// <summary>A value for each column.</summary>
    public IEnumerable<NpgsqlParameter> ParametersOf(TRow row) => columns.Select(column => column.ValueOf(row));
}

internal abstract class SqlColumn<TRow>(string name)
{
    public string Name => name;

    public abstract NpgsqlParameter ArrayOf(IReadOnlyList<TRow> rows);

    public abstract NpgsqlParameter ValueOf(TRow row);
}

/// <inheritdoc/>
internal sealed class SqlColumn<TRow, TValue>(string name, NpgsqlDbType type, Func<TRow, TValue> value) : SqlColumn<TRow>(name)
{
    public override NpgsqlParameter ArrayOf(IReadOnlyList<TRow> rows)
    {
        var values = new TValue[rows.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = value(rows[i]);
        }

        return new NpgsqlParameter<TValue[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };
    }

    public override NpgsqlParameter ValueOf(TRow row) => new NpgsqlParameter<TValue> { TypedValue = value(row), NpgsqlDbType = type };
}
