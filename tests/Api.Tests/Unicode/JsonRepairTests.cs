using System.Text;
using System.Text.Json;
using LlmAspire.Api.Unicode;

namespace LlmAspire.Api.Tests.Unicode;

public class JsonRepairTests
{
    /// <summary>Each character of the first is a byte.</summary>
    public static TheoryData<string, string> Texts => new()
    {
        { """{"a":"b"}""", """{"a":"b"}""" },
        { """["\ud83d\ude00\n\"\\\/"]""", """["\ud83d\ude00\n\"\\\/"]""" },
        { """["\uD83D\uDE00"]""", """["\ud83d\ude00"]""" },
        { """["\ud83d"]""", """["\ufffd"]""" },
        { """["\ude00"]""", """["\ufffd"]""" },
        { """["\ud83d\ud83d\ude00"]""", """["\ufffd\ud83d\ude00"]""" },
        { """["\ud83dx\ude00"]""", """["\ufffdx\ufffd"]""" },
        { """["\ud83d\n"]""", """["\ufffd\n"]""" },
        { """["\ud83d\\ude00"]""", """["\ufffd\\ude00"]""" },
        { """["\\ud83d\\u0000"]""", """["\\ud83d\\u0000"]""" },
        { """["\u0000\u0007\u0009\u000a\u000d\u00e4\b\f"]""", """["\ufffd\ufffd\u0009\u000a\u000d\u00e4\ufffd\ufffd"]""" },
        { """{"\ud800":1}""", """{"\ufffd":1}""" },
        { "\0[\t\"a\tb\0c\x1F\"\x01]", " [\t\"a\\tb\uFFFDc\uFFFD\" ]" },
        { "[\"\xFF\xC3\"]", "[\"\uFFFD\uFFFD\"]" },
        { "[\"\xED\xA0\x80\"]", "[\"\uFFFD\uFFFD\uFFFD\"]" },
        { "[\"\xE6\x90\x9C\"]", "[\"搜\"]" },
        { "data: {\"a\":\"\\ud800\"}\n\n: \"\ndata: {\"b\":\"\\u0000\"}\r\n", "data: {\"a\":\"\\ufffd\"}\n\n: \"\ndata: {\"b\":\"\\ufffd\"}\r\n" },
        { """["\u12"]""", """["\u12"]""" },
        { """["\ud83d\u12"]""", """["\ufffd\u12"]""" },
        { """["\ud83d""", """["\ufffd""" },
        { """["\u00""", """["\u00""" },
        { """["a\""", """["a\""" },
        { "", "" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public async Task what_is_no_text_is_replaced_wherever_the_bytes_are_cut(string sent, string expected)
    {
        var bytes = Encoding.Latin1.GetBytes(sent);
        for (var size = 1; size <= Math.Max(bytes.Length, 1); size++)
        {
            await using var stream = new RepairedJsonStream(new PiecesStream(bytes, size));
            using var reader = new StreamReader(stream);
            Assert.Equal(expected, await reader.ReadToEndAsync(TestContext.Current.CancellationToken));
        }
    }

    [Theory]
    [MemberData(nameof(Texts))]
    public void so_it_is_when_it_is_read_synchronously(string sent, string expected)
    {
        using var reader = new StreamReader(new RepairedJsonStream(new PiecesStream(Encoding.Latin1.GetBytes(sent), 3)));

        Assert.Equal(expected, reader.ReadToEnd());
    }

    [Fact]
    public void a_value_that_no_string_can_be_made_of_can_be_read_and_written_after_it()
    {
        var odd = JsonElement.Parse("""{"a\ud800":["\udc00\u0000\u001b",{"b":"\ud83d\ude00"}],"c":1}""");

        Assert.Equal("{\"a\uFFFD\":[\"\uFFFD\uFFFD\uFFFD\",{\"b\":\"\\uD83D\\uDE00\"}],\"c\":1}", Written(OddText.Replace(odd)));
    }

    [Fact]
    public void odd_text_is_replaced_character_by_character()
    {
        const string Plain = "plain\t\r\n ä 搜 😀 \u007f\u0085";
        Assert.Equal(Plain, OddText.Replace(Plain));
        Assert.Equal("a\uFFFDb\uFFFD\uFFFD", OddText.Replace("a\0b\u0007\u001b"));
        Assert.Equal("\uFFFD", OddText.Replace("\ud800"));
        Assert.Equal("\uFFFD\uFFFD😀\uFFFD", OddText.Replace("\udc00\ud800\ud83d\ude00\ud83d"));
    }

    private static string Written(JsonElement json) => JsonSerializer.Serialize(json, LlmAspire.Api.Tools.ToolText.Json);

    /// <summary>Gives so many bytes at once, as a slow network does.</summary>
    private sealed class PiecesStream(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, size)]);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, size)], cancellationToken);
    }
}
