using System.Text;
using LlmAspire.Api.Llm;

namespace LlmAspire.Api.Tests.Llm;

public class ServerSentEventReaderTests
{
    [Theory]
    [InlineData("data: a\n\ndata: b\n\n", "a|b")]
    [InlineData("data: a\r\n\r\ndata: b\r\n\r\n", "a|b")]
    [InlineData("data: a\r\rdata: b\r\r", "a|b")]
    [InlineData("data:a\n\n", "a")]
    [InlineData("data: a\ndata: b\n\n", "a\nb")]
    [InlineData("data\n\n", "")]
    [InlineData(": ping\n\ndata: a\n\n", "a")]
    [InlineData("event: x\nid: 1\ndata: a\n\n", "a")]
    [InlineData("database: no\n\ndata: a\n\n", "a")]
    [InlineData("\n\n\ndata: a\n\n\n", "a")]
    [InlineData("data: ä€😀\n\n", "ä€😀")]
    [InlineData("data: never ended", null)]
    public void events_are_found_however_the_bytes_are_cut(string text, string? expected)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var size = 1; size <= bytes.Length; size++)
        {
            var reader = new ServerSentEventReader();
            var events = new List<string>();
            foreach (var piece in bytes.Chunk(size))
            {
                reader.Append(piece, (data, _) => events.Add(Encoding.UTF8.GetString(data)));
            }

            Assert.Equal(expected is null ? [] : expected.Split('|'), events);
        }
    }

    [Theory]
    [InlineData("data: a\n\ndata: b\n\n", 9)]
    [InlineData("data: a\r\n\r\ndata: b\r\n\r\n", 11)]
    public void an_event_tells_where_it_begins(string text, int expected)
    {
        var starts = new List<int>();
        new ServerSentEventReader().Append(Encoding.UTF8.GetBytes(text), (_, start) => starts.Add(start));
        Assert.Equal([0, expected], starts);
    }

    [Fact]
    public void an_event_that_began_in_earlier_bytes_begins_at_zero()
    {
        var reader = new ServerSentEventReader();
        var starts = new List<int>();
        foreach (var piece in new[] { "data: a\n\nda", "ta: b\n", "\ndata: c\n\n" })
        {
            reader.Append(Encoding.UTF8.GetBytes(piece), (_, start) => starts.Add(start));
        }

        Assert.Equal([0, 0, 1], starts);
    }
}
