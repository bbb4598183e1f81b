using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace LlmAspire.Api.Tests.Llm.Wire;

/// <summary>Reads an answer of <c>/v1</c> as strictly as the strictest client: what is not in OpenAI's form fails the test.</summary>
internal static class OpenAiAnswer
{
    private static readonly string?[] FinishReasons = [null, "stop", "length", "tool_calls", "content_filter", "function_call"];

    /// <returns>The text of the first choice, and the code of the error.</returns>
    public static (string Text, string? Error) Read(byte[] body, bool isStreamed) => isStreamed ? ReadStream(body) : ReadPlain(body);

    private static (string Text, string? Error) ReadPlain(byte[] body)
    {
        var answer = JsonElement.Parse(body);
        if (answer.TryGetProperty("error", out var error))
        {
            return ("", error.GetProperty("code").GetString());
        }

        AssertHead(answer, "chat.completion");
        var choice = answer.GetProperty("choices")[0];
        AssertChoice(choice);
        Assert.Equal("assistant", choice.GetProperty("message").GetProperty("role").GetString());
        return (choice.GetProperty("message").GetProperty("content").GetString() ?? "", null);
    }

    private static (string Text, string? Error) ReadStream(byte[] body)
    {
        var text = new StringBuilder();
        string? error = null;
        var isDone = false;
        foreach (var item in SseParser.Create(new MemoryStream(body)).Enumerate())
        {
            Assert.False(isDone, "Something came behind [DONE].");
            Assert.Equal("message", item.EventType);
            if (item.Data == "[DONE]")
            {
                isDone = true;
                continue;
            }

            var chunk = JsonElement.Parse(item.Data);
            if (chunk.TryGetProperty("error", out var told))
            {
                (error, isDone) = (told.GetProperty("code").GetString(), true);
                continue;
            }

            AssertHead(chunk, "chat.completion.chunk");
            foreach (var choice in chunk.GetProperty("choices").EnumerateArray())
            {
                AssertChoice(choice);
                text.Append(Text(choice.GetProperty("delta")));
            }

            if (chunk.TryGetProperty("usage", out var usage) && usage.ValueKind != JsonValueKind.Null)
            {
                Assert.Equal(usage.GetProperty("total_tokens").GetInt32() >= 0, usage.GetProperty("prompt_tokens").GetInt32() >= 0 && usage.GetProperty("completion_tokens").GetInt32() >= 0);
            }
        }

        Assert.True(isDone, "The stream has no end.");
        return (text.ToString(), error);
    }

    private static void AssertHead(JsonElement answer, string kind)
    {
        Assert.NotEqual("", answer.GetProperty("id").GetString());
        Assert.Equal(kind, answer.GetProperty("object").GetString());
        Assert.True(answer.GetProperty("created").TryGetInt64(out _));
        Assert.Equal(JsonValueKind.String, answer.GetProperty("model").ValueKind);
    }

    private static void AssertChoice(JsonElement choice)
    {
        Assert.True(choice.GetProperty("index").TryGetInt32(out _));
        Assert.Contains(choice.TryGetProperty("finish_reason", out var reason) ? reason.GetString() : null, FinishReasons);
    }

    private static string Text(JsonElement delta)
    {
        if (delta.TryGetProperty("role", out var role))
        {
            Assert.Equal("assistant", role.GetString());
        }

        if (delta.TryGetProperty("tool_calls", out var calls))
        {
            foreach (var call in calls.EnumerateArray())
            {
                Assert.True(call.GetProperty("index").TryGetInt32(out _));
                Assert.True(!call.TryGetProperty("type", out var type) || type.ValueEquals("function"), "A call of no function.");
                Assert.True(!call.GetProperty("function").TryGetProperty("arguments", out var arguments) || arguments.ValueKind == JsonValueKind.String);
            }
        }

        return delta.TryGetProperty("content", out var content) ? content.GetString() ?? "" : "";
    }
}
