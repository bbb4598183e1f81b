using System.Net;
using System.Text;
using System.Text.Json;

namespace LlmAspire.Api.Tests.Chat;

public sealed class BadRequestTests : IAsyncLifetime
{
    private TestGateway _gateway = null!;
    private ApiFactory _api = null!;
    private HttpClient _client = null!;

    /// <summary>Each with the status and code of the answer, and what its detail has to name.</summary>
    public static TheoryData<string, string, HttpStatusCode, string, string> Bodies => new()
    {
        { "empty message", """{"message":""}""", HttpStatusCode.BadRequest, "message_empty", "message" },
        { "blank message", """{"message":" \n "}""", HttpStatusCode.BadRequest, "message_empty", "message" },
        { "no message", "{}", HttpStatusCode.BadRequest, "message_empty", "message" },
        { "null message", """{"message":null}""", HttpStatusCode.BadRequest, "message_empty", "message" },
        { "1 MB message", $$"""{"message":"{{new string('x', 1024 * 1024)}}"}""", HttpStatusCode.BadRequest, "message_too_long", "limit is 100,000" },
        { "unknown model", """{"message":"Hi","model":"nope"}""", HttpStatusCode.BadRequest, "model_unknown", "GET /llm/models" },
        { "model above the plan", """{"message":"Hi","model":"strong-reasoning"}""", HttpStatusCode.Forbidden, "plan_required", "plan is pro" },
        { "a tool", """{"message":"Hi","tools":["search"]}""", HttpStatusCode.BadRequest, "tool_unknown", "GET /chat/tools" },
        { "a parent message without its conversation", """{"message":"Hi","parentMessageId":"0195f000-0000-7000-8000-0000000000b1"}""",
            HttpStatusCode.BadRequest, "conversation_missing", "conversationId" },
        { "a conversation without message and parent", """{"conversationId":"0195f000-0000-7000-8000-0000000000b1"}""",
            HttpStatusCode.BadRequest, "message_empty", "message" },
        { "no JSON", "hello", HttpStatusCode.BadRequest, "json_invalid", "line 1, byte 1" },
        { "JSON cut off", "{\n\"message\":\"Hi", HttpStatusCode.BadRequest, "json_invalid", "line 2" },
        { "a comma too many", """{"message":"Hi",}""", HttpStatusCode.BadRequest, "json_invalid", "line 1, byte 17" },
        { "half a character", """{"message":"\ud800"}""", HttpStatusCode.BadRequest, "text_invalid", "'message'" },
        { "a number for the message", """{"message":1}""", HttpStatusCode.BadRequest, "json_unexpected", "$.message" },
        { "a word for an id", """{"message":"Hi","conversationId":"today"}""", HttpStatusCode.BadRequest, "json_unexpected", "$.conversationId" },
        { "a list", "[]", HttpStatusCode.BadRequest, "json_unexpected", "$" },
        { "null", "null", HttpStatusCode.BadRequest, "bad_request", "/openapi/v1.json" },
        { "nothing", "", HttpStatusCode.BadRequest, "bad_request", "/openapi/v1.json" },
    };

    public async ValueTask InitializeAsync()
    {
        _gateway = await TestGateway.StartAsync();
        _api = new ApiFactory(_gateway.BaseUrl);
        _client = await _api.CreateSignedInClientAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _api.DisposeAsync();
        await _gateway.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Bodies), DisableDiscoveryEnumeration = true)]
    public async Task a_bad_body_is_answered_with_what_to_do(string name, string body, HttpStatusCode status, string code, string named)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await _client.PostAsync("/chat", content, TestContext.Current.CancellationToken);

        Assert.Equal(status, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.True(code == problem.GetProperty("code").GetString(), $"{name}: {problem}");
        Assert.Contains(named, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        AssertShowsNothingOfTheInside(problem);
        Assert.Empty(_gateway.Chats);
        Assert.Empty(_api.Writer.Events);
        Assert.DoesNotContain(_api.Logs.Entries, entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
    }

    [Fact]
    public async Task bytes_that_are_not_text_are_bad_json()
    {
        using var content = new ByteArrayContent([.. "{\"message\":\""u8, 0xff, 0xfe, .. "\"}"u8]);
        content.Headers.ContentType = new("application/json");
        using var response = await _client.PostAsync("/chat", content, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        AssertShowsNothingOfTheInside(await response.ReadProblemAsync());
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData(null)]
    public async Task a_wrong_content_type_names_the_right_one(string? contentType)
    {
        using var content = new ByteArrayContent("{\"message\":\"Hi\"}"u8.ToArray());
        content.Headers.ContentType = contentType is null ? null : new(contentType);
        using var response = await _client.PostAsync("/chat", content, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Contains("application/json", (await response.ReadProblemAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task problems_come_also_to_clients_that_accept_only_events()
    {
        _client.DefaultRequestHeaders.Accept.ParseAdd("text/event-stream");
        using var content = new StringContent("hello", Encoding.UTF8, "application/json");
        using var invalid = await _client.PostAsync("/chat", content, TestContext.Current.CancellationToken);
        Assert.Equal("json_invalid", (await invalid.ReadProblemAsync()).GetProperty("code").GetString());

        using var lost = await _client.GetAsync("/nowhere", TestContext.Current.CancellationToken);
        Assert.Equal("not_found", (await lost.ReadProblemAsync()).GetProperty("code").GetString());

        using var empty = await _client.ChatAsync(new { message = "" });
        Assert.Equal("message_empty", (await empty.ReadProblemAsync()).GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("GET", "/nowhere", HttpStatusCode.NotFound, "/openapi/v1.json")]
    [InlineData("PUT", "/chat", HttpStatusCode.MethodNotAllowed, "POST")]
    [InlineData("DELETE", "/llm/models", HttpStatusCode.MethodNotAllowed, "GET")]
    [InlineData("DELETE", "/chat/runs/today", HttpStatusCode.NotFound, "/openapi/v1.json")]
    public async Task wrong_addresses_and_methods_say_where_to_look(string method, string path, HttpStatusCode status, string named)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await _client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(status, response.StatusCode);
        Assert.Contains(named, (await response.ReadProblemAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private static void AssertShowsNothingOfTheInside(JsonElement problem) => Assert.All(
        ["System.", "LlmAspire", "Exception", "   at ", "BytePositionInLine"],
        word => Assert.DoesNotContain(word, problem.GetRawText(), StringComparison.Ordinal));
}
