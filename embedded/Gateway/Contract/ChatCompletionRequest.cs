using System.Text.Json;

namespace LlmAspire.DemoGateway.Contract;

/// <summary>The body of <c>POST /v1/chat/completions</c>, as far as the demo model heeds it; the rest is accepted and ignored.</summary>
internal sealed record ChatCompletionRequest
{
    public string? Model { get; init; }

    public IReadOnlyList<ChatMessage> Messages { get; init; } = [];

    public bool? Stream { get; init; }

    public StreamOptions? StreamOptions { get; init; }

    public int? MaxTokens { get; init; }

    /// <summary>OpenAI's newer name of <see cref="MaxTokens"/>; wins over it.</summary>
    public int? MaxCompletionTokens { get; init; }

    /// <summary>A string or a list of strings.</summary>
    public JsonElement? Stop { get; init; }

    public int? N { get; init; }

    public long? Seed { get; init; }

    public bool? Logprobs { get; init; }

    /// <summary>How many other tokens to tell with each.</summary>
    public int? TopLogprobs { get; init; }

    public IReadOnlyList<Tool>? Tools { get; init; }

    /// <summary><c>none</c>, <c>auto</c>, <c>required</c>, or an object that names a function.</summary>
    public JsonElement? ToolChoice { get; init; }

    public bool? ParallelToolCalls { get; init; }

    public ResponseFormat? ResponseFormat { get; init; }

    /// <summary>Whoever the client calls for; anything but text is passed over.</summary>
    public JsonElement? User { get; init; }
}

internal sealed record StreamOptions(bool? IncludeUsage);

/// <param name="Content">A string, a list of parts (<c>{"type":"text","text":…}</c>), or null beside tool calls.</param>
internal sealed record ChatMessage(
    string? Role, JsonElement? Content, IReadOnlyList<ToolCall>? ToolCalls = null, string? ToolCallId = null, string? Name = null);

internal sealed record Tool(string? Type, ToolFunction? Function);

/// <param name="Parameters">A JSON schema.</param>
internal sealed record ToolFunction(string? Name, string? Description, JsonElement? Parameters);

/// <param name="Type"><c>json_object</c>, <c>json_schema</c> or <c>text</c>.</param>
internal sealed record ResponseFormat(string? Type, JsonSchemaFormat? JsonSchema);

internal sealed record JsonSchemaFormat(string? Name, JsonElement? Schema);
