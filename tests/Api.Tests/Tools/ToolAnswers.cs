using System.Text.Json;

namespace LlmAspire.Api.Tests.Tools;

/// <summary>What models send when they call tools.</summary>
internal static class ToolAnswers
{
    /// <summary>A stream that calls one tool.</summary>
    /// <param name="name">As it stands in JSON.</param>
    /// <param name="arguments">The text of the arguments, whatever it is; null for none at all.</param>
    public static string Call(string name, string? arguments)
    {
        var sent = arguments is null ? "" : $",\"arguments\":{JsonSerializer.Serialize(arguments)}";
        return "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"tool_calls\":["
            + $"{{\"id\":\"call_1\",\"type\":\"function\",\"index\":0,\"function\":{{\"name\":\"{name}\"{sent}}}}}]}}}}]}}\n\n"
            + "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"finish_reason\":\"tool_calls\",\"index\":0,\"delta\":{}}]}\n\n"
            + Answers.Usage(Answers.UsageJson) + Answers.Done;
    }
}
