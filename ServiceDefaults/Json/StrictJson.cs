using System.Text.Json;

namespace LlmAspire.ServiceDefaults.Json;

/// <summary>JSON that others send: no name twice, no time without its offset.</summary>
public static class StrictJson
{
    private const string RepeatedName = "Duplicate propert";

    /// <summary>The web's, read strictly.</summary>
    public static JsonSerializerOptions Web { get; } = Configure(new JsonSerializerOptions(JsonSerializerDefaults.Web));

    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        options.AllowDuplicateProperties = false;
        options.Converters.Add(new PointInTimeConverter());
        return options;
    }

    /// <summary>The name that is there twice, when it is that what the reader complains of; else null.</summary>
    /// <remarks>
    /// There is no other sign of it than the message:
    /// <code>
    /// Duplicate property 'model' encountered during deserialization of type 'ChatRequest'.   Path: $.model
    /// Duplicate properties not allowed during deserialization.                               Path: $.map.key
    /// </code>
    /// </remarks>
    public static string? FindRepeatedName(JsonException exception)
    {
        if (!exception.Message.StartsWith(RepeatedName, StringComparison.Ordinal))
        {
            return null;
        }

        var (start, end) = (exception.Message.IndexOf('\'', StringComparison.Ordinal), exception.Message.IndexOf("' encountered", StringComparison.Ordinal));
        return start >= 0 && end > start
            ? exception.Message[(start + 1)..end]
            : exception.Path?[(exception.Path.LastIndexOf('.') + 1)..] ?? "";
    }
}
