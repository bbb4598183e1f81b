using System.Text;
using LlmAspire.Api.Llm.Wire;

namespace LlmAspire.Api.Tests.Llm.Wire;

public class ServerSentEventReaderTests
{
    [Theory]
    [InlineData("data: a\n\ndata: b\n\n", "a|b")]
    [InlineData("data: a\r\n\r\ndata: b\r\n\r\n", "a|b")]
    [InlineData("data: a\r\rdata: b\r\r", "a|b")]
    [InlineData("data:a\n\n", "a")]
    [InlineData("data: a\ndata: b\n\n", "a\nb")]
    [InlineData("data\n\n", null)]
    [InlineData("data:\n\ndata: \n\ndata: a\n\n", "a")]
    [InlineData("event: error\ndata: a\n\ndata: b\n\n", "!a|b")]
    [InlineData("data: a\nevent:error\n\nevent: error\n\ndata: b\n\n", "!a|b")]
    [InlineData(": ping\n\ndata: a\n\n", "a")]
    [InlineData("event: x\nid: 1\ndata: a\n\n", "a")]
    [InlineData("database: no\n\ndata: a\n\n", "a")]
    [InlineData("\n\n\ndata: a\n\n\n", "a")]
    [InlineData("data: ä€😀\n\n", "ä€😀")]
    [InlineData("data: never ended", "never ended")]
    [InlineData("data: a\n\ndata: half\n", "a|half")]
    [InlineData("data: a\r\n\ndata: b\r\rdata: c\n\r\n", "a|b|c")]
    public void events_are_found_however_the_bytes_are_cut(string text, string? expected)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var size = 1; size <= bytes.Length; size++)
        {
            var reader = new ServerSentEventReader();
            var events = new List<string>();
            foreach (var piece in bytes.Chunk(size))
            {
                reader.Append(piece, Add);
            }

            reader.End(Add);

            void Add(ReadOnlySpan<byte> data, bool isError) => events.Add((isError ? "!" : "") + Encoding.UTF8.GetString(data));

            Assert.Equal(expected is null ? [] : expected.Split('|'), events);
        }
    }
}
