using System.Buffers;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>Reads the <c>delta</c> or <c>message</c> of each choice of a chunk: what is said, thought and called. Not thread-safe.</summary>
internal sealed class MessageScanner
{
    private const int MostOnStack = 256;

    private readonly ArrayBufferWriter<char> _said = new();
    private bool _hasContent;

    /// <inheritdoc cref="ChunkScanner.Said"/>
    public ReadOnlySpan<char> Said => _said.WrittenSpan;

    /// <inheritdoc cref="ChunkScanner.Text"/>
    public Range? Text { get; private set; }

    /// <inheritdoc cref="ChunkScanner.HasContent"/>
    public bool HasContent => _hasContent || _said.WrittenCount > 0;

    /// <summary>Whether there is more than one text.</summary>
    public bool SaysMore { get; private set; }

    /// <inheritdoc cref="ChunkScanner.HasRole"/>
    public bool HasRole { get; private set; }

    /// <inheritdoc cref="ChunkScanner.IsOdd"/>
    public bool IsOdd { get; private set; }

    public void Reset()
    {
        _said.ResetWrittenCount();
        Text = null;
        _hasContent = SaysMore = HasRole = IsOdd = false;
    }

    /// <returns>Whether it calls tools.</returns>
    public bool Scan(ref Utf8JsonReader message)
    {
        if (message.TokenType != JsonTokenType.StartObject)
        {
            message.Skip();
            return false;
        }

        bool calledTools = false, hasThoughts = false;
        Utf8JsonReader thoughts = default;
        while (message.Read() && message.TokenType == JsonTokenType.PropertyName)
        {
            // What a model makes. Gateways put more into it: signatures, and thoughts a second time in another form.
            if (message.ValueTextEquals("content"u8) || message.ValueTextEquals("refusal"u8))
            {
                message.Read();
                ScanText(ref message, isTextExpected: true);
            }
            else if (message.ValueTextEquals("tool_calls"u8))
            {
                message.Read();
                IsOdd |= !ToolCallForm.IsArray(message);
                calledTools |= ChunkScanner.IsFilled(in message);
                ScanText(ref message, isTextExpected: false);
            }
            else if (message.ValueTextEquals("function_call"u8))
            {
                message.Read();
                IsOdd |= !ToolCallForm.IsFunction(message);
                calledTools |= ChunkScanner.IsFilled(in message);
                ScanText(ref message, isTextExpected: false);
            }
            else if (message.ValueTextEquals("reasoning_content"u8))
            {
                hasThoughts = true;
                message.Read();
                ScanText(ref message, isTextExpected: true);
            }
            else if (message.ValueTextEquals("role"u8))
            {
                message.Read();
                var isNamed = message.TokenType == JsonTokenType.String && message.ValueSpan.Length > 0;
                HasRole |= isNamed;
                IsOdd |= !isNamed || !message.ValueTextEquals("assistant"u8);
                message.Skip();
            }
            else
            {
                if (message.ValueTextEquals("reasoning"u8))
                {
                    // Counts when reasoning_content does not follow; a copy of the reader stays at its place.
                    thoughts = message;
                }

                // Audio, annotations, pictures, signatures.
                SaysMore = true;
                message.Skip();
            }
        }

        if (!hasThoughts && thoughts.TokenType == JsonTokenType.PropertyName)
        {
            thoughts.Read();
            ScanText(ref thoughts, isTextExpected: true);
        }

        return calledTools;
    }

    /// <summary>Text, thoughts and refusals are strings, or parts that hold some; calls of tools have a name and arguments somewhere inside.</summary>
    private void ScanText(ref Utf8JsonReader value, bool isTextExpected)
    {
        IsOdd |= isTextExpected && value.TokenType is not (JsonTokenType.String or JsonTokenType.Null);
        switch (value.TokenType)
        {
            case JsonTokenType.String:
                AppendText(ref value);
                break;
            case JsonTokenType.StartArray:
                while (value.Read() && value.TokenType != JsonTokenType.EndArray)
                {
                    ScanText(ref value, isTextExpected: false);
                }

                break;
            case JsonTokenType.StartObject:
                _hasContent = SaysMore = true;
                while (value.Read() && value.TokenType == JsonTokenType.PropertyName)
                {
                    // Not the marks around them: {"index":0,"id":"call_1","type":"function","function":{"name":"…","arguments":"…"}}
                    if (value.ValueTextEquals("function"u8) || value.ValueTextEquals("name"u8) || value.ValueTextEquals("arguments"u8)
                        || value.ValueTextEquals("text"u8) || value.ValueTextEquals("thinking"u8))
                    {
                        value.Read();
                        ScanText(ref value, isTextExpected: false);
                    }
                    else
                    {
                        value.Skip();
                    }
                }

                break;
        }
    }

    private void AppendText(ref Utf8JsonReader value)
    {
        var length = value.ValueSpan.Length;
        if (length == 0)
        {
            return;
        }

        var start = (int)value.TokenStartIndex + 1;
        (Text, SaysMore) = (start..(start + length), SaysMore || Text is not null);
        try
        {
            // UTF-16 has no more code units than UTF-8.
            _said.Advance(value.CopyString(_said.GetSpan(Math.Max(length, MostOnStack))));
        }
        catch (InvalidOperationException)
        {
            _said.Write(JsonText.Decode(value.ValueSpan));
        }
    }
}
