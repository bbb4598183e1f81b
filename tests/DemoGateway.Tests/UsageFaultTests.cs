using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>The faults that change how usage is told.</summary>
public class UsageFaultTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    private static int _lastId;
    private readonly string _id = $"usage-fault-{Interlocked.Increment(ref _lastId)}";

    [Theory]
    [InlineData("usage=none", "T T T R D")]
    [InlineData("usage=zero", "T T T R Z D")]
    [InlineData("usage=guess", "T T T R G D")]
    [InlineData("usage=late; for=1", "T T T R - - U - D")]
    [InlineData("usage=repeated", "T T T R U U D")]
    [InlineData("usage=mid", "T U T T R D")]
    [InlineData("usage=cumulative", "TC TC TC R U D")]
    public async Task a_stream_tells_its_usage_as_asked(string fault, string expected)
    {
        var events = await gateway.StreamAsync(StreamContents.Ask(), _id, $"length=3; {fault}");
        var served = await gateway.ServedAsync(_id);
        var prompt = (int)served["prompt_tokens"]!;
        var running = 0;

        Assert.Equal(expected, string.Join(' ', events.Select(Shape)));
        Assert.Equal(("completed", 3), ((string?)served["outcome"], (int)served["completion_tokens"]!));

        string Shape(string data)
        {
            if (data == "[DONE]")
            {
                return "D";
            }

            var chunk = JsonNode.Parse(data)!;
            var what = StreamContents.ContentOf(data) is not null ? "T" : chunk["choices"]![0]!["finish_reason"] is not null ? "R" : "";
            running += what == "T" ? 1 : 0;
            var (told, completion) = ((int?)chunk["usage"]?["prompt_tokens"], (int?)chunk["usage"]?["completion_tokens"]);
            return what + (told, completion, chunk["usage"]?["prompt_tokens_details"] is null) switch
            {
                (null, null, _) => what.Length > 0 ? "" : "-",
                (0, 0, false) => "Z",
                (var p, 3, true) when p == prompt => "G",
                (var p, 3, false) when p == prompt && what.Length == 0 => "U",
                (var p, var c, false) when p == prompt && c == running => "C",
                var other => $"?{other}",
            };
        }
    }

    [Fact]
    public async Task a_stream_that_was_not_asked_for_its_usage_tells_none_in_any_form()
    {
        foreach (var form in (string[])["zero", "guess", "late", "mid", "repeated", "cumulative"])
        {
            var events = await gateway.StreamAsync(GatewayFixture.Ask("hi", with: new { stream = true }), fault: $"length=3; usage={form}");

            Assert.DoesNotContain(events, data => data.Contains("\"usage\"", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("none", null, null)]
    [InlineData("zero", 0, true)]
    [InlineData("guess", 3, false)]
    [InlineData("late", 3, true)]
    [InlineData("mid", 3, true)]
    [InlineData("repeated", 3, true)]
    [InlineData("cumulative", 3, true)]
    public async Task one_body_has_one_usage_or_none(string form, int? completion, bool? details)
    {
        var usage = (await gateway.CompleteAsync(GatewayFixture.Ask("hi"), _id, $"length=3; usage={form}")).AsObject()["usage"];

        Assert.Equal(completion, (int?)usage?["completion_tokens"]);
        Assert.Equal(details, usage is null ? null : usage["prompt_tokens_details"] is not null);
        Assert.Equal(3, (int?)(await gateway.ServedAsync(_id))["completion_tokens"]);
    }
}
