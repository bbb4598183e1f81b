using System.Buffers.Text;
using System.Text.Json;
using LlmAspire.Usage;

namespace LlmAspire.Api.Reports;

/// <summary>A cursor as clients see it: nothing that they should read.</summary>
internal static class CallCursorText
{
    public static string Write(CallCursor cursor) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(cursor, JsonSerializerOptions.Web));

    /// <summary>Null when it is none.</summary>
    public static CallCursor? Read(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<CallCursor>(Base64Url.DecodeFromChars(text), JsonSerializerOptions.Web);
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            return null;
        }
    }
}
