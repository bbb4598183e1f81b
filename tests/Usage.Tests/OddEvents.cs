using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace LlmAspire.Usage.Tests;

/// <summary>Events with text that PostgreSQL, JSON readers or indexes do not take as it is.</summary>
internal static class OddEvents
{
    private static readonly Dictionary<string, Func<UsageEvent, UsageEvent>> Kinds = new()
    {
        ["a NUL in the raw usage"] = Raw("""{"text":"a\u0000b"}"""),
        ["a NUL in a name of the raw usage"] = Raw("""{"a\u0000b":1}"""),
        ["half a character in the raw usage"] = Raw("""{"text":"\ud800"}"""),
        ["halves in the wrong order"] = Raw("""{"text":"\ude00\ud83d"}"""),
        ["half a character in a name of the raw usage"] = Raw("""{"\udfff":1}"""),
        ["bytes that are not UTF-8"] = Raw([.. "{\"text\":\""u8, 0xE9, 0xFF, .. "\"}"u8]),
        ["a number beyond numeric"] = Raw("""{"tokens":1e200000}"""),
        ["a number with 130,000 digits"] = Raw("""{"tokens":[1e130000,-1E+130000]}"""),
        ["a number with 20,000 decimals"] = Raw("""{"tokens":1e-20000}"""),
        ["numbers beyond bigint and double"] = Raw("""{"tokens":99999999999999999999999999999999,"more":1e400}"""),
        ["the deepest that a reader takes"] = Raw(Nested(64)),
        ["deeper than any reader takes"] = Raw(Nested(5_000)),
        ["comments and commas"] = Raw("""{"tokens":1,/* a comment with 'quotes' */}"""),
        ["a megabyte of raw usage"] = Raw($$"""{"text":"{{new string('é', 1 << 20)}}"}"""),
        ["raw usage that is gone"] = one => one with { RawUsage = Disposed() },
        ["no raw usage at all"] = one => one with { RawUsage = default(JsonElement) },
        ["NULs and halves in every name"] = one => one with
        {
            ModelAlias = "a\0b\ud800c",
            Provider = "\0",
            ServedModel = "\udfff\ud800",
            GatewayCallId = "\ud83d",
            Traceparent = "00-\0\ud800",
        },
        ["names that no index takes"] = one => one with
        {
            ModelAlias = RandomNumberGenerator.GetHexString(9_000),
            Provider = RandomNumberGenerator.GetHexString(9_000),
            ServedModel = RandomNumberGenerator.GetHexString(9_000),
            GatewayCallId = RandomNumberGenerator.GetHexString(9_000),
            Traceparent = RandomNumberGenerator.GetHexString(9_000),
        },
        ["long names of emoji"] = one => one with
        {
            ModelAlias = Emoji(),
            Provider = Emoji(),
            ServedModel = Emoji(),
        },
    };

    public static TheoryData<string> Names => [.. Kinds.Keys];

    public static UsageEvent Of(string kind, UsageEvent call) => Kinds[kind](call);

    private static Func<UsageEvent, UsageEvent> Raw(string raw) => Raw(Encoding.UTF8.GetBytes(raw));

    private static Func<UsageEvent, UsageEvent> Raw(byte[] raw) => one => one with
    {
        RawUsage = JsonDocument.Parse(raw, new JsonDocumentOptions { MaxDepth = 10_000, AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip }).RootElement,
    };

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);

    private static JsonElement Disposed()
    {
        using var document = JsonDocument.Parse("""{"tokens":1}""");
        return document.RootElement;
    }

    private static string Emoji() => string.Concat(Enumerable.Range(0, 3_000).Select(_ => char.ConvertFromUtf32(0x1F300 + RandomNumberGenerator.GetInt32(0x300))));
}
