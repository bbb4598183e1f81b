using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>Whether calls of tools are in the form that OpenAI's own clients read; they fail at <c>"type":""</c> (dotnet/extensions#6155) and at arguments that are no text.</summary>
internal static class ToolCallForm
{
    /// <param name="value">At the value; a copy, which is read on.</param>
    public static bool IsArray(Utf8JsonReader value)
    {
        if (value.TokenType == JsonTokenType.Null)
        {
            return true;
        }

        if (value.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        while (value.Read() && value.TokenType != JsonTokenType.EndArray)
        {
            if (value.TokenType != JsonTokenType.StartObject || !IsCall(ref value))
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc cref="IsArray"/>
    public static bool IsFunction(Utf8JsonReader value) => value.TokenType == JsonTokenType.Null || value.TokenType == JsonTokenType.StartObject && IsNamedText(ref value);

    /// <summary><c>{"index":0,"id":"call_1","type":"function","function":{"name":"current_time","arguments":"{}"}}</c>; a plain answer's have no index.</summary>
    private static bool IsCall(ref Utf8JsonReader call)
    {
        while (call.Read() && call.TokenType == JsonTokenType.PropertyName)
        {
            bool isRight;
            if (call.ValueTextEquals("function"u8))
            {
                call.Read();
                isRight = call.TokenType == JsonTokenType.StartObject && IsNamedText(ref call);
            }
            else if (call.ValueTextEquals("type"u8))
            {
                call.Read();
                isRight = call.TokenType == JsonTokenType.String && (call.ValueTextEquals("function"u8) || call.ValueTextEquals("custom"u8));
            }
            else if (call.ValueTextEquals("index"u8))
            {
                call.Read();
                isRight = call.TokenType == JsonTokenType.Number && call.TryGetInt32(out var index) && index >= 0;
            }
            else
            {
                var isId = call.ValueTextEquals("id"u8);
                call.Read();
                isRight = !isId || call.TokenType == JsonTokenType.String && !call.ValueSpan.IsEmpty;
                call.Skip();
            }

            if (!isRight)
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsNamedText(ref Utf8JsonReader function)
    {
        while (function.Read() && function.TokenType == JsonTokenType.PropertyName)
        {
            var isText = function.ValueTextEquals("name"u8) || function.ValueTextEquals("arguments"u8);
            function.Read();
            if (isText && function.TokenType != JsonTokenType.String)
            {
                return false;
            }

            function.Skip();
        }

        return true;
    }
}
