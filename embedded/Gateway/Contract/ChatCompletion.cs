namespace LlmAspire.DemoGateway.Contract;

/// <summary>The answer as one body. The order of the members is LiteLLM's.</summary>
/// <param name="Created">Unix seconds.</param>
/// <param name="Model">The alias that was asked for, not the provider's name.</param>
internal sealed record ChatCompletion(
    string Id,
    long Created,
    string Model,
    string Object,
    string? SystemFingerprint,
    IReadOnlyList<Choice> Choices,
    TokenUsage? Usage,
    string? ServiceTier);

internal sealed record Choice(string FinishReason, int Index, AnswerMessage Message, Logprobs? Logprobs = null);

internal sealed record AnswerMessage(string? Content, string Role, IReadOnlyList<ToolCall>? ToolCalls);

/// <summary>One event of a streamed answer. What is null is absent from the JSON, as LiteLLM strips it.</summary>
internal sealed record ChatCompletionChunk(
    string Id,
    long Created,
    string Model,
    string Object,
    string? SystemFingerprint,
    IReadOnlyList<ChunkChoice> Choices,
    string? ServiceTier,
    TokenUsage? Usage);

internal sealed record ChunkChoice(string? FinishReason, int Index, Delta Delta, Logprobs? Logprobs = null);

/// <param name="Role">In the first event only, together with its content.</param>
internal sealed record Delta(string? Content = null, string? Role = null, IReadOnlyList<ToolCall>? ToolCalls = null);

/// <summary>A tool call, or in a stream a piece of one: continuations have neither id nor name, and repeat the type.</summary>
internal sealed record ToolCall(string? Id, FunctionCall? Function, string? Type, int? Index = null);

/// <param name="Arguments">JSON text.</param>
internal sealed record FunctionCall(string? Arguments, string? Name);
