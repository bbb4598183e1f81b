using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>The parameters of a statement, as it is written. Not thread-safe.</summary>
/// <param name="asSettings">For COPY, which takes no parameters: settings of the transaction stand for them, see <see cref="Settings"/>.</param>
internal sealed class ReportParameters(bool asSettings = false)
{
    private readonly List<NpgsqlParameter> _parameters = [];
    private readonly List<string> _types = [];

    public IEnumerable<NpgsqlParameter> All => _parameters;

    /// <summary>The statement, of these parameters, that makes the settings until the end of the transaction; null when there are none.</summary>
    public string? Settings => _parameters.Count == 0 ? null
        : $"SELECT {string.Join(", ", _types.Select((type, index) => $"set_config('{Setting(index)}', (${index + 1}::{type})::text, true)"))}";

    /// <returns>What stands for the value in the statement.</returns>
    public string Add<T>(T value, NpgsqlDbType type)
    {
        _parameters.Add(new NpgsqlParameter<T> { TypedValue = value, NpgsqlDbType = type });
        _types.Add(TypeName(type));
        return asSettings ? $"current_setting('{Setting(_types.Count - 1)}')::{_types[^1]}" : $"${_parameters.Count}";
    }

    public string Add(DateTimeOffset value) => asSettings
        ? $"timestamptz '{value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture)}'"
        : Add(value.ToUniversalTime(), NpgsqlDbType.TimestampTz);

    private static string Setting(int index) => $"llmaspire.report_{index}";

    private static string TypeName(NpgsqlDbType type) => (type & NpgsqlDbType.Array) != 0 ? TypeName(type & ~NpgsqlDbType.Array) + "[]" : type switch
    {
        NpgsqlDbType.Uuid => "uuid",
        NpgsqlDbType.Text => "text",
        NpgsqlDbType.Bigint => "bigint",
        NpgsqlDbType.Integer => "integer",
        NpgsqlDbType.TimestampTz => "timestamptz",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Reports have no such parameter."),
    };
}
