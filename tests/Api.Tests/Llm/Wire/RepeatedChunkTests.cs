using System.Text;
using LlmAspire.Api.Llm.Wire;

namespace LlmAspire.Api.Tests.Llm.Wire;

/// <summary>Chunks that are equal to one before but for their text are not read as JSON. That must make no difference.</summary>
public sealed class RepeatedChunkTests
{
    private static readonly string[] Texts =
        ["Hi", " there", "", "é", "🙂", "\\n", "a \\\"word\\\"", "\\u00e9", "\\ud83d", "\\ude42", "\",\"x\":\"", "\x01", new('w', 300), "}", "{\\\"city\\\":", "~"];

    private static readonly string[] Shapes =
    [
        """{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"T"}}]}""",
        """{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"T"}}]}""",
        """{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"T"}}]}""",
        """{"id":"1","model":"m","choices":[{"index":1,"delta":{"content":"T"}}]}""",
        """{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"T","role":null},"finish_reason":null}]}""",
        """{"id":"1","choices":[{"index":0,"delta":{"role":"assistant","content":"T"}}]}""",
        """{"id":"2","choices":[{"index":0,"delta":{"role":"assistant","content":"T"}}]}""",
        """{"id":"2","choices":[{"index":0,"delta":{"content":"T"}}]}""",
        """{"choices":[{"index":0,"delta":{"content":"T"}}],"id":"2"}""",
        """{"id":"1","choices":[{"index":0,"delta":{"content":"","reasoning_content":"T"}}]}""",
        """{"id":"1","choices":[{"index":0,"delta":{"content":"T","reasoning":"T"}}]}""",
        """{"id":"1","choices":[{"index":0,"delta":{"reasoning":"T"}}]}""",
        """{"id":"1","choices":[{"index":0,"delta":{"reasoning":"T","reasoning_content":"T"}}]}""",
        """{"id":"1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"T"}}]}}]}""",
        """{"id":"1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"T","function":{"name":"T","arguments":""}}]}}]}""",
        """{"id":"1","choices":[{"index":0,"delta":{"content":"T"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}""",
        """{"id":"1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":3}}""",
        """{"id":"1","choices":[{"index":0,"delta":{"content":"T"},"finish_reason":"stop"}]}""",
        """{"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"T"}]}""",
        """{"error":{"message":"T","code":"500"}}""",
        """{"id":"T","choices":[{"index":0,"delta":{"content":"T"}}]}""",
        """["T"]""",
        "T",
    ];

    [Fact]
    public void a_stream_says_what_it_says_when_no_two_chunks_are_alike()
    {
        var random = new Random(7);
        for (var run = 0; run < 2000; run++)
        {
            var choices = random.Next(1, 3);
            var (repeated, different) = (NewReader(choices), NewReader(choices));
            // Few shapes, often more than once.
            var shapes = random.GetItems(Shapes, random.Next(1, 4));
            for (var chunk = 0; chunk < 12; chunk++)
            {
                var json = Encoding.UTF8.GetBytes(string.Join(random.GetItems(Texts, 1)[0], random.GetItems(shapes, 1)[0].Split('T')));
                // No text in UTF-8 has this byte.
                json.AsSpan().Replace((byte)'~', (byte)0xff);
                Take(repeated, json, spaces: 0);
                Take(different, json, spaces: chunk + 1);
                Assert.Equal(StateOf(different), StateOf(repeated));
            }
        }
    }

    [Fact]
    public void only_the_text_may_differ()
    {
        var chunk = new RepeatedChunk();
        Assert.Null(Find("""{"content":"Hi"}"""));

        chunk.Remember("""{"content":"Hi"}"""u8, 12..14);

        Assert.Equal("there", Find("""{"content":"there"}"""));
        Assert.Equal("", Find("""{"content":""}"""));
        Assert.Null(Find("""{"Content":"there"}"""));
        Assert.Null(Find("""{"content":"there" }"""));
        Assert.Null(Find("""{"content":"the\"re"}"""));
        Assert.Null(Find("""{"content":"a","b":"c"}"""));
        Assert.Null(Find("""{"content":"}"""));

        string? Find(string json) => chunk.TryFindText(Encoding.UTF8.GetBytes(json), out var text) ? Encoding.UTF8.GetString(text) : null;
    }

    private static void Take(AnswerReader reader, byte[] json, int spaces) =>
        reader.Append([.. "data: "u8, .. Enumerable.Repeat((byte)' ', spaces), .. json, .. "\n\n"u8]);

    private static AnswerReader NewReader(int choices)
    {
        var reader = new AnswerReader(isStreamed: true, choices, new ChunkCleaner("1", 0, "m"));
        reader.Append(": begun\n\n"u8);
        return reader;
    }

    private static string StateOf(AnswerReader reader) => string.Join(
        "|", string.Join(",", reader.Facts.Parts.Select(part => $"{part.Id}/{part.Chunks}/{part.Text}/{part.Text.Length}/{part.HasTextAfterUsage}/{part.Reports.Raw}")),
        reader.Facts.HasContent, reader.Facts.IsFinished, reader.Facts.FinishReason, reader.Facts.Failure?.Code, reader.Facts.ErrorText?.Trim(),
        Encoding.UTF8.GetString(reader.Output.Span));
}
