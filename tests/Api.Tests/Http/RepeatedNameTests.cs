using System.Net;
using System.Text;

namespace LlmAspire.Api.Tests.Http;

/// <summary>A name that is there twice is read by some as the first and by others as the last: nobody should have to guess which one counted.</summary>
public class RepeatedNameTests(OperatorFixture fixture) : IClassFixture<OperatorFixture>
{
    private HttpClient Client => fixture.Client;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("PUT", "/prices", """{"reason":"x","changes":[{"provider":"p","model":"m","tokenClass":"input","usdPerMillion":1,"usdPerMillion":100,"effectiveFrom":"2026-12-01T00:00:00Z"}]}""", "usdPerMillion", "$.changes[0].usdPerMillion")]
    [InlineData("PUT", "/prices", """{"reason":"x","reason":"y","changes":[]}""", "reason", "$.reason")]
    [InlineData("POST", "/prices/import", """{"changes":[],"Changes":[]}""", "changes", "$.Changes")]
    [InlineData("POST", "/prices/preview", """{"expectedRevision":0,"changes":[],"expectedRevision":1}""", "expectedRevision", "$.expectedRevision")]
    [InlineData("POST", "/chat", """{"message":"Hi","model":"chat-default","model":"strong-reasoning"}""", "model", "$.model")]
    [InlineData("POST", "/chat/race", """{"message":"Hi","models":["chat-default","in-house"],"accept":{"minCharacters":1,"minCharacters":2}}""", "minCharacters", "$.accept.minCharacters")]
    [InlineData("POST", "/prompts", """{"name":"Baker","name":"Cook","text":"You bake."}""", "name", "$.name")]
    [InlineData("POST", "/prompts/system", """{"description":"a","description":"b"}""", "description", "$.description")]
    [InlineData("POST", "/identity/login", """{"email":"a@example.org","password":"x","email":"b@example.org"}""", "email", "$.email")]
    [InlineData("POST", "/identity/api-keys", """{"name":"a","name":"b"}""", "name", "$.name")]
    [InlineData("PATCH", "/conversations/0195f000-0000-7000-8000-0000000000b1", """{"title":"a","pinned":true,"title":"b"}""", "title", "$.title")]
    public async Task a_name_that_is_there_twice_is_said(string method, string path, string body, string name, string at)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await Client.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.True(problem.GetProperty("code").GetString() == "json_repeated", problem.ToString());
        Assert.Equal($"The body names '{name}' twice.", problem.GetProperty("title").GetString());
        Assert.Equal($"Look at {at}: leave one of the two out. Names that differ only in case are the same.", problem.GetProperty("detail").GetString());
        Assert.DoesNotContain("deserialization", problem.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_price_that_a_change_gives_twice_is_named()
    {
        const string Entry = """{"provider":"openai","model":"gpt-6","tokenClass":"input","effectiveFrom":"2026-12-01T00:00:00Z","usdPerMillion":1}""";
        const string Other = """{"provider":"openai","model":"gpt-6","tokenClass":"output","effectiveFrom":"2026-12-01T00:00:00Z","usdPerMillion":1}""";
        using var content = new StringContent($$"""{"reason":"x","changes":[{{Entry}},{{Other}},{{Entry}}]}""", Encoding.UTF8, "application/json");
        using var response = await Client.PutAsync("/prices", content, Token);

        var error = Assert.Single((await response.ReadProblemAsync()).GetProperty("errors").EnumerateArray());
        Assert.Equal(
            "Entry 0 already says what input of openai / gpt-6 costs from 2026-12-01T00:00:00Z on. Leave one of the two out.", error.GetProperty("message").GetString());
    }
}
