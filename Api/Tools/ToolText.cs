using System.Text.Encodings.Web;
using System.Text.Json;
using LlmAspire.Api.Unicode;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Tools;

/// <summary>What a tool returns, as the text that a model is told. Odd Unicode is replaced, see <see cref="OddText"/>.</summary>
internal static class ToolText
{
    private const string Cut = "… (cut off: the result was longer)";

    /// <summary>Blanks cost tokens too, and it goes into no page.</summary>
    public static readonly JsonSerializerOptions Json = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="JsonException">Nothing can be made of it.</exception>
    public static string Of(object? result) => result switch
    {
        null => "null",
        string text => OddText.Replace(text),
        JsonElement json when OddText.Replace(json) is var whole => whole.ValueKind == JsonValueKind.String ? whole.GetString()! : JsonSerializer.Serialize(whole, Json),
        _ => OddText.Replace(JsonSerializer.Serialize(result, Json)),
    };

    /// <param name="most">UTF-16 code units; what is longer is cut, and says so.</param>
    public static string Bounded(string text, int most) => text.Length <= most ? text : OddText.Replace(text[..most]) + Cut;
}
