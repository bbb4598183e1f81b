using System.Text.Json;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>Reads a chat request in the order in which the proxy finds fault with it: JSON, model, messages, the rest.</summary>
internal static class ChatRequestReader
{
    private const int MostChoices = 128;

    private static readonly HashSet<string> Roles = ["system", "developer", "user", "assistant", "tool"];

    /// <exception cref="GatewayException">The body is not a JSON object.</exception>
    public static async Task<JsonElement> ReadJsonAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        try
        {
            var root = await JsonElementFrom(request.Body, cancellationToken);
            return root.ValueKind == JsonValueKind.Object ? root : throw GatewayException.InvalidJson("expected an object.");
        }
        catch (JsonException exception)
        {
            throw GatewayException.InvalidJson(exception.Message);
        }
    }

    public static string Alias(JsonElement root) =>
        root.TryGetProperty("model", out var model) && model.ValueKind != JsonValueKind.Null ? model.ToString() : "None";

    public static long? Seed(JsonElement root) =>
        root.TryGetProperty("seed", out var seed) && seed.ValueKind == JsonValueKind.Number && seed.TryGetInt64(out var value) ? value : null;

    /// <exception cref="GatewayException">The provider of <paramref name="deployment"/> would not understand the request.</exception>
    public static ChatCompletionRequest Bind(JsonElement root, Deployment deployment)
    {
        if (!root.TryGetProperty("messages", out var messages) || messages.ValueKind == JsonValueKind.Null)
        {
            throw GatewayException.NoMessages();
        }

        if (messages.ValueKind != JsonValueKind.Array)
        {
            throw GatewayException.BadRequest(deployment.Provider, $"Invalid type for 'messages': expected an array of objects, but got {messages.ValueKind}.");
        }

        try
        {
            var request = root.Deserialize(GatewayJson.Wire.ChatCompletionRequest)!;
            return FirstFault(request) is { } fault ? throw GatewayException.BadRequest(deployment.Provider, fault) : request;
        }
        catch (JsonException exception)
        {
            throw GatewayException.BadRequest(deployment.Provider, $"Invalid type for '{exception.Path}'.");
        }
    }

    private static string? FirstFault(ChatCompletionRequest request) =>
        MessagesFault(request.Messages)
        ?? ToolsFault(request)
        ?? (request.N is null or (>= 1 and <= MostChoices) ? null : $"Invalid value for 'n': it must be from 1 to {MostChoices}.")
        ?? (request.TopLogprobs is null || (request.Logprobs == true && request.TopLogprobs is >= 0 and <= Logprobs.Most)
            ? null
            : $"Invalid value for 'top_logprobs': it must be from 0 to {Logprobs.Most}, and needs 'logprobs'.")
        ?? (request.MaxTokens is null or > 0 ? null : "Invalid value for 'max_tokens': it must be 1 or more.")
        ?? (request.MaxCompletionTokens is null or > 0 ? null : "Invalid value for 'max_completion_tokens': it must be 1 or more.")
        ?? (request.Stop is null || IsStop(request.Stop.Value) ? null : "Invalid type for 'stop': expected a string or an array of strings.");

    private static string? MessagesFault(IReadOnlyList<ChatMessage> messages)
    {
        if (messages.Count == 0)
        {
            return "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
        }

        var openCalls = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < messages.Count; i++)
        {
            if (messages[i] is not { Role: { } role } message || !Roles.Contains(role))
            {
                return $"Invalid value for 'messages[{i}].role': supported values are {string.Join(", ", Roles)}.";
            }

            var hasContent = message.Content is { ValueKind: JsonValueKind.String or JsonValueKind.Array };
            if (!hasContent && (role != "assistant" || message.Content is { ValueKind: not JsonValueKind.Null }))
            {
                return $"Invalid type for 'messages[{i}].content': expected a string or an array of parts.";
            }

            if (role == "tool" && !openCalls.Remove(message.ToolCallId ?? ""))
            {
                return "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.";
            }

            openCalls.UnionWith((message.ToolCalls ?? []).Select(call => call.Id ?? ""));
        }

        return null;
    }

    private static string? ToolsFault(ChatCompletionRequest request)
    {
        var names = (request.Tools ?? []).Select(tool => tool.Function?.Name).ToArray();
        if (names.Any(string.IsNullOrEmpty))
        {
            return "Missing required parameter: 'tools[].function.name'.";
        }

        return request.ToolChoice switch
        {
            null or { ValueKind: JsonValueKind.Null } => null,
            { ValueKind: JsonValueKind.String } choice when choice.GetString() is "none" or "auto" or "required" =>
                choice.GetString() == "required" && names.Length == 0 ? "Invalid value for 'tool_choice': there are no 'tools'." : null,
            { ValueKind: JsonValueKind.Object } choice when choice.TryGetProperty("function", out var function)
                && function.ValueKind == JsonValueKind.Object && function.TryGetProperty("name", out var name) =>
                names.Contains(name.ToString()) ? null : $"Tool choice '{name}' not found in 'tools' parameter.",
            _ => "Invalid value for 'tool_choice': supported values are none, auto, required and a function of 'tools'.",
        };
    }

    private static bool IsStop(JsonElement stop) => stop.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.String => true,
        JsonValueKind.Array => stop.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String),
        _ => false,
    };

    private static async Task<JsonElement> JsonElementFrom(Stream body, CancellationToken cancellationToken)
    {
        using var document = await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken);
        return document.RootElement.Clone();
    }
}
