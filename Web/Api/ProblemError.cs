using System.Globalization;
using System.Text.Json;

namespace LlmAspire.Web.Api;

/// <summary>One thing that is wrong with a request: <c>{"from":["Give a date."]}</c> or <c>[{"index":2,"message":"Give a price."}]</c>.</summary>
/// <param name="Where">The parameter, the index of an entry, or the line of a text.</param>
/// <param name="CanBeAccepted">It is taken from who says that it is meant.</param>
public sealed record ProblemError(string Where, string Message, bool CanBeAccepted = false)
{
    /// <summary>The number of the entry or line; null when it is about something else.</summary>
    public int? Number => int.TryParse(Where, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static IReadOnlyList<ProblemError> Of(Problem problem) => problem.Errors switch
    {
        { ValueKind: JsonValueKind.Object } byName =>
            [.. byName.EnumerateObject().SelectMany(error => Messages(error.Value).Select(message => new ProblemError(error.Name, message)))],
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Where(error => error.ValueKind == JsonValueKind.Object).Select(FromEntry)],
        _ => [],
    };

    private static IEnumerable<string> Messages(JsonElement value) => value.ValueKind == JsonValueKind.Array
        ? value.EnumerateArray().Select(message => message.ToString())
        : [value.ToString()];

    private static ProblemError FromEntry(JsonElement error) => new(
        error.TryGetProperty("index", out var where) || error.TryGetProperty("line", out where) ? where.ToString() : "",
        error.TryGetProperty("message", out var message) ? message.ToString() : "",
        error.TryGetProperty("canBeAccepted", out var accepted) && accepted.ValueKind == JsonValueKind.True);
}
