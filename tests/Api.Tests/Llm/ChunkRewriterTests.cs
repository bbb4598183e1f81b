using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Llm.Forwarding;

namespace LlmAspire.Api.Tests.Llm;

/// <summary>A chunk that is like one that was kept is kept without being looked at. That must make no difference to whoever reads the events.</summary>
public sealed class ChunkRewriterTests
{
    private const string Alias = "chat-default";

    private static readonly string[] Texts = ["Hi", " there", "", "é", "error", "usage", "\\n", "a \\\"model\\\":\\\"x\\\"", "\\\"error\\\"", "data: [DONE]"];

    private static readonly string[] Shapes =
    [
        """{"id":"1","model":"chat-default","choices":[{"index":0,"delta":{"content":"T"}}]}""",
        """{"id":"1","choices":[{"index":0,"delta":{"content":"T"}}],"model":"chat-default"}""",
        """{"id":"1","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"T"}}]}""",
        """{"id":"1","choices":[{"index":0,"delta":{"content":"T"}}]}""",
        """{"id":"1","model":"chat-default","choices":[{"index":0,"delta":{"content":"T"}}],"usage":null}""",
        """{"id":"1","model":"chat-default","choices":[{"index":0,"delta":{"content":"T"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}""",
        """{"id":"1","model":"chat-default","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":3}}""",
        """{"id":"1","model":"chat-default","choices":[{"index":0,"delta":{"content":"T"},"finish_reason":"stop"}]}""",
        """{"id":"1","model":"chat-default","error":null,"choices":[{"index":0,"delta":{"content":"T"}}]}""",
        """{"id":"1","model":"chat-default","error":{"message":"T"},"choices":[{"index":0,"delta":{"content":"T"}}]}""",
        """{"id":"1","model":"chat-default","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"T"}}]}}]}""",
        """{"model":"T","choices":[{"index":0,"delta":{"content":"chat-default"}}]}""",
        """["chat-default","T"]""",
        """{"model":"chat-default" T""",
    ];

    [Fact]
    public void a_stream_is_rewritten_like_its_chunks_one_by_one()
    {
        var random = new Random(11);
        var kept = 0;
        for (var run = 0; run < 2000; run++)
        {
            var rewriter = new ChunkRewriter(Alias, tellUsage: random.Next(2) == 0);
            // Few shapes, often more than once.
            var shapes = random.GetItems(Shapes, random.Next(1, 4));
            var chunks = Enumerable.Range(0, 12).Select(_ => random.GetItems(shapes, 1)[0].Replace("T", random.GetItems(Texts, 1)[0], StringComparison.Ordinal)).ToArray();
            var expected = new ArrayBufferWriter<byte>();
            foreach (var chunk in chunks)
            {
                kept += rewriter.Write(Encoding.UTF8.GetBytes(chunk), isLikeKept: false, expected) ? 1 : 0;
            }

            var stream = Encoding.UTF8.GetBytes(string.Concat(chunks.Select(chunk => $": comment\n\ndata: {chunk}\n\n")) + "data: [DONE]\n\n");
            Assert.Equal(EventsOf(expected.WrittenSpan), EventsOf(Rewrite(stream, rewriter, random)));
        }

        Assert.InRange(kept, 1, (2000 * 12) - 1);
    }

    private static byte[] Rewrite(byte[] stream, ChunkRewriter rewriter, Random random)
    {
        var reader = new StreamedAnswerReader(choices: 1) { Rewriter = rewriter };
        var rewritten = new List<byte>();
        for (var position = 0; position < stream.Length;)
        {
            var size = Math.Min(random.Next(1, 400), stream.Length - position);
            reader.Append(stream.AsSpan(position, size));
            rewritten.AddRange(reader.Rewritten.Span);
            position += size;
        }

        return [.. rewritten];
    }

    /// <summary>As JSON, where they are: in what was rewritten only the spaces may differ.</summary>
    private static string[] EventsOf(ReadOnlySpan<byte> events) => [.. Encoding.UTF8.GetString(events).Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(one =>
    {
        Assert.StartsWith("data: ", one, StringComparison.Ordinal);
        try
        {
            return JsonNode.Parse(one["data: ".Length..])!.ToJsonString();
        }
        catch (System.Text.Json.JsonException)
        {
            return one;
        }
    })];
}
