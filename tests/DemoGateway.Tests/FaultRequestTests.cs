using System.Net;
using System.Text.Json.Nodes;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Faults;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>How faults are asked for.</summary>
public class FaultRequestTests(GatewayFixture gateway, FaultRequestTests.UnarmedGateway unarmed)
    : IClassFixture<GatewayFixture>, IClassFixture<FaultRequestTests.UnarmedGateway>
{
    private const string Known =
        " Known faults: latency=MS, pace=TOKENS_PER_SECOND, length=TOKENS, echo or echo=TIMES, thinking=TOKENS, tool-rounds=N, tool-arguments=broken, usage=none|unreported|zero|late|mid|repeated|cumulative|guess, "
        + "status=429|500|503|401|400|404|408|context, stall=N, error=N, reset=N, upstream-reset=N, upstream-eof=N, eof=N, for=MS, fallback or fallback=ALIAS, "
        + "fallback-mid=N or fallback-mid=N@ALIAS, retries=N, hold=NAME or hold=NAME@N, spend=none|+N|-N, "
        + "cache-write=N or cache-write=N+HOUR, proxy=newer.";

    [Theory]
    [InlineData("teapot=1", "There is no fault 'teapot'.")]
    [InlineData("length", "The fault 'length' is not of the form length=TOKENS.")]
    [InlineData("length=0", "The fault 'length=0' is not of the form length=TOKENS.")]
    [InlineData("length=100001", "The fault 'length=100001' is not of the form length=TOKENS.")]
    [InlineData("length=-1", "The fault 'length=-1' is not of the form length=TOKENS.")]
    [InlineData("length=5; length=6", "The fault 'length' is there twice.")]
    [InlineData("latency=soon", "The fault 'latency=soon' is not of the form latency=MS.")]
    [InlineData("latency=86400001", "The fault 'latency=86400001' is not of the form latency=MS.")]
    [InlineData("pace=NaN", "The fault 'pace=NaN' is not of the form pace=TOKENS_PER_SECOND.")]
    [InlineData("usage=much", "The fault 'usage=much' is not of the form usage=none|unreported|zero|late|mid|repeated|cumulative|guess.")]
    [InlineData("status=418", "The fault 'status=418' is not of the form status=429|500|503|401|400|404|408|context.")]
    [InlineData("upstream-reset=0", "The fault 'upstream-reset=0' is not of the form upstream-reset=N.")]
    [InlineData("fallback-mid=0", "The fault 'fallback-mid=0' is not of the form fallback-mid=N or fallback-mid=N@ALIAS.")]
    [InlineData("fallback-mid=3@", "The fault 'fallback-mid=3@' is not of the form fallback-mid=N or fallback-mid=N@ALIAS.")]
    [InlineData("fallback=", "The fault 'fallback=' is not of the form fallback or fallback=ALIAS.")]
    [InlineData("hold=@3", "The fault 'hold=@3' is not of the form hold=NAME or hold=NAME@N.")]
    [InlineData("hold=x@y", "The fault 'hold=x@y' is not of the form hold=NAME or hold=NAME@N.")]
    [InlineData("spend=7", "The fault 'spend=7' is not of the form spend=none|+N|-N.")]
    [InlineData("spend=+0", "The fault 'spend=+0' is not of the form spend=none|+N|-N.")]
    [InlineData("thinking=0", "The fault 'thinking=0' is not of the form thinking=TOKENS.")]
    [InlineData("cache-write=0", "The fault 'cache-write=0' is not of the form cache-write=N or cache-write=N+HOUR.")]
    [InlineData("cache-write=5+", "The fault 'cache-write=5+' is not of the form cache-write=N or cache-write=N+HOUR.")]
    [InlineData("proxy=older", "The fault 'proxy=older' is not of the form proxy=newer.")]
    [InlineData("upstream-eof=0", "The fault 'upstream-eof=0' is not of the form upstream-eof=N.")]
    [InlineData("upstream-eof=3; upstream-reset=4", "An answer breaks once: 'stall', 'error', 'reset', 'upstream-reset', 'upstream-eof' and 'eof' exclude each other.")]
    [InlineData("error=3; eof=4", "An answer breaks once: 'stall', 'error', 'reset', 'upstream-reset', 'upstream-eof' and 'eof' exclude each other.")]
    [InlineData("fallback; fallback-mid=3", "'fallback' and 'fallback-mid' exclude each other.")]
    [InlineData("echo=1001", "The fault 'echo=1001' is not of the form echo or echo=TIMES.")]
    [InlineData("echo; length=5", "'length' and 'echo' exclude each other.")]
    [InlineData("status=500; length=5", "'status' refuses the call: nothing else can happen in it.")]
    [InlineData("for=5", "'for' is how long 'stall' or 'usage=late' lasts: one of them is missing.")]
    [InlineData("for=5; stall=1; usage=late", "'for' cannot be for 'stall' and for 'usage=late' at once.")]
    public void what_is_not_known_is_refused_with_what_is(string faults, string reason)
    {
        var exception = Assert.Throws<GatewayException>(() => FaultReader.Read(faults));

        Assert.Equal((400, reason + Known), (exception.Status, exception.Message));
    }

    [Theory]
    [InlineData("fallback=chat-default", "'chat-default' cannot stand in for itself.")]
    [InlineData("fallback=nope", "There is no alias 'nope' to fall back to.")]
    [InlineData("fallback-mid=3@nope", "There is no alias 'nope' to fall back to.")]
    [InlineData("retries=3", "'retries=3' is more than the configured num_retries, 2.")]
    public async Task what_the_configuration_does_not_allow_is_refused(string fault, string reason)
    {
        using var response = await gateway.PostAsync(GatewayFixture.Ask("hi"), callId: $"wrong-{fault}", fault: fault);
        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["error"]!;

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal((reason, "invalid_request_error", "x-demo-fault"), ((string?)error["message"], (string?)error["type"], (string?)error["param"]));
        Assert.Empty(await gateway.AllServedAsync($"wrong-{fault}"));
    }

    [Fact]
    public async Task an_alias_without_a_fallback_needs_its_name()
    {
        using var response = await gateway.PostAsync(GatewayFixture.Ask("hi", "gemini-default"), fault: "fallback");

        Assert.Contains(
            "'gemini-default' has no fallback in the configuration: name one.",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
    }

    [Fact]
    public void faults_are_parted_by_semicolons_commas_and_spaces()
    {
        var plan = FaultReader.Read("latency=5;pace=2.5, length=7  fallback=x ;hold=a,hold=b@c@2");

        Assert.Equal((5, 2.5, 7, "x"), (plan.LatencyMs, plan.TokensPerSecond, plan.Length, plan.Fallback?.Alias));
        Assert.Equal([new HoldPoint("a", 0), new HoldPoint("b@c", 2)], plan.Holds);
        Assert.Equal(FaultPlan.None, FaultReader.Read(" ; "));
    }

    [Theory]
    [InlineData("\"Explain rain <<demo length=3>>\"")]
    [InlineData("\"<<demo length=3>>Explain rain\"")]
    [InlineData("\"Explain <<demo usage=repeated>>rain <<demo length=3>>\"")]
    [InlineData("\"Explain <<demo@another length=9>>rain <<demo@chat-default length=3>>\"")]
    [InlineData("[{\"type\":\"text\",\"text\":\"Explain rain\"},{\"type\":\"text\",\"text\":\"<<demo length=3>>\"}]")]
    public async Task a_marker_in_the_question_asks_for_faults(string content)
    {
        var answer = await gateway.CompleteAsync($$"""{"model":"chat-default","messages":[{"role":"user","content":{{content}}}]}""");

        Assert.Equal(3, (int?)answer["usage"]!["completion_tokens"]);
    }

    [Fact]
    public async Task a_marker_costs_its_tokens_and_is_no_part_of_the_question()
    {
        var without = await gateway.CompleteAsync(GatewayFixture.Ask("Explain rain"));
        var with = await gateway.CompleteAsync(GatewayFixture.Ask("Explain rain <<demo usage=repeated>>"));

        Assert.Equal(without["choices"]!.ToJsonString(), with["choices"]!.ToJsonString());
        Assert.True((int)with["usage"]!["prompt_tokens"]! > (int)without["usage"]!["prompt_tokens"]!);
    }

    [Fact]
    public async Task only_the_last_question_counts()
    {
        var messages = new[]
        {
            new { role = "user", content = "Explain rain <<demo error=1>>" },
            new { role = "assistant", content = "It <<demo error=1>> falls." },
            new { role = "user", content = "And snow?" },
        };
        var answer = await gateway.CompleteAsync(GatewayFixture.Ask("", with: new { messages }));
        var text = (string)answer["choices"]![0]!["message"]!["content"]!;

        Assert.Contains("rain", text, StringComparison.Ordinal);
        Assert.DoesNotContain("demo error", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task the_header_wins_over_the_marker()
    {
        var request = GatewayFixture.Ask("Explain rain <<demo length=3 status=500>>");

        Assert.Equal(5, (int?)(await gateway.CompleteAsync(request, fault: "length=5"))["usage"]!["completion_tokens"]);
        Assert.Equal("stop", (string?)(await gateway.CompleteAsync(request, fault: ""))["choices"]![0]!["finish_reason"]);
    }

    [Fact]
    public async Task a_gateway_whose_faults_are_switched_off_heeds_none()
    {
        using var marker = await unarmed.PostAsync(GatewayFixture.Ask("Explain rain <<demo status=500>>"), fault: "status=500");
        using var release = await unarmed.Client.PostAsync(new Uri("/_demo/release?name=x", UriKind.Relative), null, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, marker.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, release.StatusCode);
    }

    public class UnarmedGateway() : GatewayFixture([KeyValuePair.Create("Gateway:Faults", "false")]);
}
