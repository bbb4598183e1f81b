using System.Net;
using System.Text;

namespace LlmAspire.DemoGateway.Tests;

public class MasterKeyTests(GatewayFixture gateway, MasterKeyTests.OpenGateway open) : IClassFixture<GatewayFixture>, IClassFixture<MasterKeyTests.OpenGateway>
{
    public static TheoryData<string, string> Guarded => new()
    {
        { "GET", "/v1/models" },
        { "GET", "/models" },
        { "GET", "/v1/models/chat-default" },
        { "GET", "/model/info" },
        { "GET", "/v1/model/info" },
        { "GET", "/model_group/info" },
        { "GET", "/_demo/served" },
        { "POST", "/v1/chat/completions" },
        { "POST", "/chat/completions" },
    };

    [Theory]
    [MemberData(nameof(Guarded))]
    public async Task without_a_key_the_answer_is_401(string method, string path)
    {
        using var response = await gateway.Anonymous.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(
            """{"error":{"message":"Authentication Error, No api key passed in.","type":"auth_error","param":"None","code":"401"}}""",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [MemberData(nameof(Guarded))]
    public async Task with_a_wrong_key_the_answer_is_400_about_a_database(string method, string path)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path) { Headers = { { "Authorization", "Bearer sk-other" } } };
        using var response = await gateway.Anonymous.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(
            """{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}""",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("Authorization", "Bearer ")]
    [InlineData("api-key", "")]
    [InlineData("x-api-key", "")]
    [InlineData("x-litellm-api-key", "")]
    [InlineData("x-litellm-api-key", "Bearer ")]
    public async Task the_key_is_taken_from_any_of_four_headers(string header, string prefix)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Headers = { { header, prefix + GatewayFixture.Key } } };
        using var response = await gateway.Anonymous.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task without_a_master_key_everything_is_open()
    {
        using var models = await open.Anonymous.GetAsync(new Uri("/model/info", UriKind.Relative), TestContext.Current.CancellationToken);
        using var content = new StringContent(GatewayFixture.Ask("hi"), Encoding.UTF8, "application/json");
        using var chat = await open.Anonymous.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), content, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, models.StatusCode);
        Assert.Equal(HttpStatusCode.OK, chat.StatusCode);
    }

    public class OpenGateway() : GatewayFixture([KeyValuePair.Create("LITELLM_MASTER_KEY", "")]);
}
