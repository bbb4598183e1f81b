using System.Buffers.Text;
using System.Text.Json;
using LlmAspire.ServiceDefaults.Json;

namespace LlmAspire.Api.Http;

/// <summary>A cursor as clients see it: nothing that they should read.</summary>
internal static class CursorText
{
    public static string Write<TCursor>(TCursor cursor) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(cursor, StrictJson.Web));

    /// <summary>Null when it is none.</summary>
    public static TCursor? Read<TCursor>(string text)
        where TCursor : class
    {
        try
        {
            return JsonSerializer.Deserialize<TCursor>(Base64Url.DecodeFromChars(text), StrictJson.Web);
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            return null;
        }
    }
}
