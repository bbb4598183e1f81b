using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>A streamed question, and the texts of its answer.</summary>
internal static class StreamContents
{
    public static string Ask(string model = "chat-default") =>
        GatewayFixture.Ask("Explain rain", model, new { stream = true, stream_options = new { include_usage = true } });

    /// <summary>The text of an event; null when it has none.</summary>
    public static string? ContentOf(string data) =>
        data == "[DONE]" ? null : (string?)JsonNode.Parse(data)!["choices"]?[0]!["delta"]!["content"];

    public static async Task ReadAsync(HttpResponseMessage response, int count)
    {
        await using var contents = AllAsync(response).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        for (var i = 0; i < count; i++)
        {
            Assert.True(await contents.MoveNextAsync());
        }
    }

    /// <summary>The texts of a stream as they come.</summary>
    public static async IAsyncEnumerable<string> AllAsync(HttpResponseMessage response)
    {
        // Left open: a test goes on reading, or leaves by disposing of the response.
        var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && ContentOf(line["data: ".Length..]) is { } content)
            {
                yield return content;
            }
        }
    }
}
