using System.Text;
using LlmAspire.Api.Llm;

namespace LlmAspire.Api.Tests.Llm.Wire;

/// <summary>A text that is not Unicode opens no call.</summary>
public sealed class RequestTextTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What is wrong within a JSON string; Latin-1 stands for the bytes.</summary>
    public static readonly string[] Faults =
    [
        "\\ud800", "\\uDFFF", "a\\ud83d", "\\ud83d\\ud83d\\ude00", "\\ud83dx\\ude00", "\\ude00\\ud83d", "\\ud83d\\n", "\\ud83d\\\\ude00", "\xe9", "\xff\xfe", "\xed\xa0\x80", "\xc0\x80", "\xf0\x9f\x98",
    ];

    private static readonly (string Body, string Named)[] Places =
    [
        ("""{"messages":[{"role":"user","content":"FAULT"}]}""", "messages[0].content"),
        ("""{"messages":[{"role":"user","content":[{"type":"text","text":"FAULT"}]}]}""", "messages[0].content[0].text"),
        ("""{"model":"FAULT"}""", "model"),
        ("""{"user":"FAULT"}""", "user"),
        ("""{"stop":["a","FAULT"]}""", "stop[1]"),
        ("""{"metadata":{"a":"FAULT"}}""", "metadata.a"),
        ("""{"metadata":{"FAULT":"a"}}""", "metadata"),
        ("""{"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"a":{"enum":["FAULT"]}}}}}]}""", "tools[0].function.parameters.properties.a.enum[0]"),
        ("""{"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"FAULT":{}}}}}]}""", "tools[0].function.parameters.properties"),
        ("""{"messages":[{"role":"assistant","provider_specific_fields":{"a":"FAULT"}}]}""", "messages[0].provider_specific_fields.a"),
        ("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,FAULT"}}]}]}""", "messages[0].content[0].image_url.url"),
    ];

    public static TheoryData<string, string> Bodies => new(
        from place in Places from fault in Faults select (place.Body.Replace("FAULT", fault, StringComparison.Ordinal), place.Named));

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task text_that_is_not_unicode_is_refused_with_its_place(string body, string named)
    {
        var refused = await Assert.ThrowsAsync<CallRefusedException>(() => ReadAsync(Encoding.Latin1.GetBytes(body)));

        Assert.Equal((400, "text_invalid"), (refused.Failure.Status, refused.Failure.Code));
        Assert.Contains($"'{named}'", refused.Failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task names_that_are_not_unicode_are_refused_too()
    {
        var refused = await Assert.ThrowsAsync<CallRefusedException>(() => ReadAsync(Encoding.Latin1.GetBytes("""{"\ud800":1}""")));

        Assert.Equal("text_invalid", refused.Failure.Code);
    }

    [Theory]
    [InlineData(""""\u00e9 é 😀 \ud83d\ude00 \uD83D\uDE00 \\ud800 \\\\ud800 \u0000 \ufffe \"\ud83d\ude00\" """")]
    [InlineData("")]
    public async Task every_text_that_is_unicode_passes(string text)
    {
        var body = $$"""{"messages":[{"role":"user","content":"{{text}}"}],"max_tokens":1}""";

        var request = await ReadAsync(Encoding.UTF8.GetBytes(body));

        Assert.StartsWith(body[..^1], Encoding.UTF8.GetString(request.Body), StringComparison.Ordinal);
    }

    /// <summary>A text of which every second byte is a backslash is read in one pass, not in one for each.</summary>
    [Fact]
    public async Task a_long_text_of_backslashes_is_read_as_any_other()
    {
        var text = string.Concat(Enumerable.Repeat("\\n\\\\u", 300_000));

        var request = await ReadAsync(Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"user","content":"{{text}}\u00e9"}],"max_tokens":1}"""));

        Assert.True(request.Body.Length > text.Length);
    }

    private static Task<ProviderRequest> ReadAsync(byte[] body) => ProviderRequest.ReadAsync(new ByteArrayContent(body), Guid.NewGuid(), 8192, Token);
}
