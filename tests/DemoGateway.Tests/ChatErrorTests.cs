using System.Net;
using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Tests;

public class ChatErrorTests(GatewayFixture gateway, ChatErrorTests.SmallGateway small)
    : IClassFixture<GatewayFixture>, IClassFixture<ChatErrorTests.SmallGateway>
{
    /// <summary>Request, status, type (null is JSON's null), a part of the message.</summary>
    public static TheoryData<string, int, string?, string> Faults => new()
    {
        { """{"model":"nope","messages":[{"role":"user","content":"hi"}]}""", 400, "None", "{'error': '/chat/completions: Invalid model name passed in model=nope. Call `/v1/models`" },
        { """{"messages":[{"role":"user","content":"hi"}]}""", 400, "None", "Invalid model name passed in model=None." },
        { """{"model":"chat-default",""", 400, "invalid_request_error", "Invalid JSON payload: " },
        { "", 400, "invalid_request_error", "Invalid JSON payload: " },
        { "[1]", 400, "invalid_request_error", "Invalid JSON payload: " },
        { """{"model":"chat-default"}""", 500, "None", "Router.acompletion() missing 1 required positional argument: 'messages'" },
        { """{"model":"chat-default","messages":"hi"}""", 400, "invalid_request_error", "expected an array of objects, but got String" },
        { """{"model":"chat-default","messages":[]}""", 400, "invalid_request_error", "empty array" },
        { """{"model":"chat-default","messages":[7]}""", 400, "invalid_request_error", "Invalid type for '$.messages[0]'" },
        { """{"model":"chat-default","messages":[null]}""", 400, "invalid_request_error", "messages[0].role" },
        { """{"model":"chat-default","messages":[{"role":"wizard","content":"hi"}]}""", 400, "invalid_request_error", "messages[0].role" },
        { """{"model":"chat-default","messages":[{"role":"user","content":null}]}""", 400, "invalid_request_error", "messages[0].content" },
        { """{"model":"chat-default","messages":[{"role":"user","content":5}]}""", 400, "invalid_request_error", "messages[0].content" },
        { """{"model":"claude-default","messages":[{"role":"tool","content":"5","tool_call_id":"x"}]}""", 400, "invalid_request_error", "AnthropicException - Invalid parameter: messages with role 'tool'" },
        { """{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"stream":"yes"}""", 400, "invalid_request_error", "Invalid type for '$.stream'" },
        { """{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"n":0}""", 400, "invalid_request_error", "'n'" },
        { """{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"max_tokens":0}""", 400, "invalid_request_error", "'max_tokens'" },
        { """{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"max_completion_tokens":-1}""", 400, "invalid_request_error", "'max_completion_tokens'" },
        { """{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"stop":[1]}""", 400, "invalid_request_error", "'stop'" },
        { """{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function"}]}""", 400, "invalid_request_error", "'tools[].function.name'" },
        { """{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"tool_choice":"required"}""", 400, "invalid_request_error", "there are no 'tools'" },
        { """{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"tool_choice":{"type":"function","function":{"name":"x"}}}""", 400, "invalid_request_error", "'x' not found" },
        { """{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"tool_choice":"perhaps"}""", 400, "invalid_request_error", "'tool_choice'" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task a_fault_has_the_proxys_status_and_shape(string request, int status, string? type, string message)
    {
        using var response = await gateway.PostAsync(request, callId: "faulty");
        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["error"]!.AsObject();

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(["message", "type", "param", "code"], error.Select(member => member.Key));
        Assert.Contains(message, (string?)error["message"], StringComparison.Ordinal);
        Assert.Equal(type, (string?)error["type"]);
        Assert.Equal(status.ToString(System.Globalization.CultureInfo.InvariantCulture), (string?)error["code"]);
        Assert.Equal("faulty", Assert.Single(response.Headers.GetValues("x-litellm-call-id")));
    }

    [Fact]
    public async Task the_deployment_is_told_once_one_was_chosen()
    {
        using var noModel = await gateway.PostAsync(GatewayFixture.Ask("hi", "nope"));
        using var noMessages = await gateway.PostAsync("""{"model":"claude-default"}""");

        Assert.False(noModel.Headers.Contains("x-litellm-model-id"));
        Assert.Equal("claude-default-anthropic", Assert.Single(noMessages.Headers.GetValues("x-litellm-model-id")));
    }

    [Fact]
    public async Task a_call_that_was_refused_was_not_served()
    {
        using var refused = await gateway.PostAsync("""{"model":"chat-default","messages":[]}""", callId: "refused");
        var served = await gateway.Client.GetStringAsync(new Uri("/_demo/served?call_id=refused", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("""{"data":[],"left_out":0}""", served);
    }

    [Fact]
    public async Task a_prompt_beyond_the_context_window_is_known_by_its_message_only()
    {
        using var fits = await small.PostAsync(GatewayFixture.Ask(string.Join(' ', Enumerable.Repeat("rain", 43)), "tiny"));
        using var exceeds = await small.PostAsync(GatewayFixture.Ask(string.Join(' ', Enumerable.Repeat("rain", 44)), "tiny"));
        var error = JsonNode.Parse(await exceeds.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["error"]!;

        Assert.Equal(HttpStatusCode.OK, fits.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, exceeds.StatusCode);
        Assert.Contains("ContextWindowExceededError", (string?)error["message"], StringComparison.Ordinal);
        Assert.Contains("maximum context length is 50 tokens. However, your messages resulted in 51 tokens", (string?)error["message"], StringComparison.Ordinal);
        Assert.Null(error["type"]);
    }

    [Fact]
    public async Task a_megabyte_of_one_letter_is_answered_at_once()
    {
        var answer = await gateway.CompleteAsync(GatewayFixture.Ask(new string('x', 1_000_000), with: new { max_tokens = 1 }));

        // The real proxy's tokenizer takes minutes for this; in parts it takes a moment.
        Assert.Equal(125_000 + 7, (int?)answer["usage"]!["prompt_tokens"]);
    }

    public class SmallGateway() : GatewayFixture(
        [],
        """
        model_list:
          - model_name: tiny
            litellm_params:
              model: gpt-tiny
            model_info:
              max_input_tokens: 50
        """);
}
