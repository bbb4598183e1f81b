using System.Text.Json;
using LlmAspire.Api.Llm.Wire;
using Microsoft.ML.Tokenizers;

namespace LlmAspire.Api.Llm.Estimation;

/// <summary>
/// Counts what a call used when the provider did not say: the prompt from the request, the completion from what came. For OpenAI's models it is their
/// own encoding; for the others the nearest known one. Thread-safe; takes milliseconds, at most some tens of them.
/// </summary>
/// <remarks>The rules for messages are those of OpenAI's cookbook, "How to count tokens with tiktoken".</remarks>
internal sealed class UsageEstimator
{
    private const int TokensPerMessage = 3;
    private const int TokensPerName = 1;
    private const int TokensOfAnswerStart = 3;

    /// <summary>A picture in low detail; how large it is nobody told us.</summary>
    private const int TokensPerPicture = 85;

    // Loading an encoding takes half a second and some ten megabytes: once, and only those that are needed.
    private readonly Lazy<BoundedTokenizer> _o200k = new(() => new BoundedTokenizer(TiktokenTokenizer.CreateForEncoding("o200k_base")));
    private readonly Lazy<BoundedTokenizer> _cl100k = new(() => new BoundedTokenizer(TiktokenTokenizer.CreateForEncoding("cl100k_base")));

    /// <summary>Loads the encoding of today's models.</summary>
    public void Load() => _ = _o200k.Value;

    /// <summary>The tokens of a request.</summary>
    /// <param name="model">The provider's name of the model, or the alias; null when neither is known.</param>
    /// <param name="request">The JSON that was sent.</param>
    public long CountPrompt(string? model, byte[] request) => CountPrompt(TokenizerOf(model), request);

    /// <summary>The tokens of what was answered.</summary>
    /// <inheritdoc cref="CountPrompt(string?, byte[])"/>
    public long CountAnswer(string? model, AnswerText answer) => CountAnswer(TokenizerOf(model), answer);

    /// <summary>By the model's family: gpt-4 and gpt-3.5 are older than o200k_base.</summary>
    internal BoundedTokenizer TokenizerOf(string? model)
    {
        var name = model?[(model.LastIndexOf('/') + 1)..] ?? "";
        var isOld = name.StartsWith("gpt-3.5", StringComparison.OrdinalIgnoreCase)
            // Azure's names have no dots.
            || name.StartsWith("gpt-35", StringComparison.OrdinalIgnoreCase)
            || name.Equals("gpt-4", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("gpt-4-", StringComparison.OrdinalIgnoreCase);
        return isOld ? _cl100k.Value : _o200k.Value;
    }

    private static long CountAnswer(BoundedTokenizer tokenizer, AnswerText answer)
    {
        var text = answer.ToString();
        var count = tokenizer.Begin(text.Length);
        count.Add(text);
        count.AddUnseen(answer.Length - text.Length);
        return count.Total;
    }

    private static long CountPrompt(BoundedTokenizer tokenizer, byte[] request)
    {
        try
        {
            using var document = JsonDocument.Parse(request);
            var root = document.RootElement;
            // Of all messages together: there may be many of them, each below any bound.
            var count = tokenizer.Begin(request.Length);
            long tokens = TokensOfAnswerStart;
            if (root.TryGetProperty("messages", out var messages) && messages.ValueKind == JsonValueKind.Array)
            {
                foreach (var message in messages.EnumerateArray().Where(message => message.ValueKind == JsonValueKind.Object))
                {
                    tokens += CountMessage(count, message);
                }
            }

            if (root.TryGetProperty("tools", out var tools) && tools.ValueKind == JsonValueKind.Array)
            {
                foreach (var tool in tools.EnumerateArray())
                {
                    count.Add(tool.GetRawText());
                }
            }

            return tokens + count.Total;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or half of a surrogate pair: nothing that a model could have read.
            return 0;
        }
    }

    /// <summary>Adds the texts of a message; returns what it costs besides them.</summary>
    private static long CountMessage(TokenCount count, JsonElement message)
    {
        long tokens = TokensPerMessage;
        foreach (var field in message.EnumerateObject())
        {
            switch (field.Value.ValueKind)
            {
                case JsonValueKind.String:
                    count.Add(JsonText.Decode(field.Value));
                    tokens += field.NameEquals("name") ? TokensPerName : 0;
                    break;
                case JsonValueKind.Array when field.NameEquals("content"):
                    tokens += field.Value.EnumerateArray().Sum(part => CountPart(count, part));
                    break;
                case JsonValueKind.Array when field.NameEquals("tool_calls"):
                    foreach (var call in field.Value.EnumerateArray())
                    {
                        CountToolCall(count, call);
                    }

                    break;
                case JsonValueKind.Array or JsonValueKind.Object:
                    count.Add(field.Value.GetRawText());
                    break;
            }
        }

        return tokens;
    }

    private static long CountPart(TokenCount count, JsonElement part)
    {
        if (part.ValueKind != JsonValueKind.Object || !part.TryGetProperty("text", out var text) || text.ValueKind != JsonValueKind.String)
        {
            return TokensPerPicture;
        }

        count.Add(JsonText.Decode(text));
        return 0;
    }

    /// <summary>The name and the arguments; a model does not read the marks around them: {"id":"call_1","type":"function","function":{"name":"…","arguments":"…"}}</summary>
    private static void CountToolCall(TokenCount count, JsonElement call)
    {
        if (call.ValueKind == JsonValueKind.Object && call.TryGetProperty("function", out var function) && function.ValueKind == JsonValueKind.Object)
        {
            foreach (var field in function.EnumerateObject().Where(field => field.Value.ValueKind == JsonValueKind.String))
            {
                count.Add(JsonText.Decode(field.Value));
            }
        }
    }
}
