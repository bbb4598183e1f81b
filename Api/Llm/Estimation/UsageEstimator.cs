using System.Text.Json;
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

    /// <param name="model">The provider's name of the model, or the alias; null when neither is known.</param>
    public (long Prompt, long Completion) Estimate(string? model, byte[] request, AnswerText? answer)
    {
        var tokenizer = TokenizerOf(model);
        return (CountPrompt(tokenizer, request), answer is null ? 0 : tokenizer.Count(answer.ToString(), answer.Length));
    }

    /// <summary>By the model's family: gpt-4 and gpt-3.5 are older than o200k_base.</summary>
    internal BoundedTokenizer TokenizerOf(string? model)
    {
        var name = model?[(model.LastIndexOf('/') + 1)..] ?? "";
        var isOld = name.StartsWith("gpt-3.5", StringComparison.OrdinalIgnoreCase)
            || name.Equals("gpt-4", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("gpt-4-", StringComparison.OrdinalIgnoreCase);
        return isOld ? _cl100k.Value : _o200k.Value;
    }

    private static long CountPrompt(BoundedTokenizer tokenizer, byte[] request)
    {
        try
        {
            using var document = JsonDocument.Parse(request);
            var root = document.RootElement;
            long tokens = TokensOfAnswerStart;
            if (root.TryGetProperty("messages", out var messages) && messages.ValueKind == JsonValueKind.Array)
            {
                foreach (var message in messages.EnumerateArray().Where(message => message.ValueKind == JsonValueKind.Object))
                {
                    tokens += CountMessage(tokenizer, message);
                }
            }

            if (root.TryGetProperty("tools", out var tools) && tools.ValueKind == JsonValueKind.Array)
            {
                tokens += tokenizer.Count(tools.GetRawText());
            }

            return tokens;
        }
        catch (JsonException)
        {
            return 0;
        }
    }

    private static long CountMessage(BoundedTokenizer tokenizer, JsonElement message)
    {
        long tokens = TokensPerMessage;
        foreach (var field in message.EnumerateObject())
        {
            tokens += field.Value.ValueKind switch
            {
                JsonValueKind.String => tokenizer.Count(field.Value.GetString()) + (field.NameEquals("name") ? TokensPerName : 0),
                JsonValueKind.Array when field.NameEquals("content") => field.Value.EnumerateArray().Sum(part => CountPart(tokenizer, part)),
                JsonValueKind.Array or JsonValueKind.Object => tokenizer.Count(field.Value.GetRawText()),
                _ => 0,
            };
        }

        return tokens;
    }

    private static long CountPart(BoundedTokenizer tokenizer, JsonElement part) =>
        part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String
            ? tokenizer.Count(text.GetString())
            : TokensPerPicture;
}
