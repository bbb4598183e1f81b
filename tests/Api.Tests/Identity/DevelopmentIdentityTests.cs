using System.Net;

namespace LlmAspire.Api.Tests.Identity;

public class DevelopmentIdentityTests
{
    [Theory]
    [InlineData("/llm/models")]
    [InlineData("/chat")]
    public async Task an_unknown_demo_user_is_not_let_in(string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateReadyClientAsync("7");

        using var response = path == "/chat"
            ? await client.ChatAsync(new { message = "Hi" })
            : await client.GetAsync(path, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("not_signed_in", (await response.ReadProblemAsync()).GetProperty("code").GetString());
        Assert.Empty(gateway.Chats);
    }

    [Fact]
    public async Task the_plan_of_the_demo_user_comes_from_configuration()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Settings = { ["Identity:DemoPlan"] = "basic" } };
        var client = await api.CreateReadyClientAsync();

        using var response = await client.ChatAsync(new { message = "Hi", model = "claude-default" });

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Contains("plan is basic", (await response.ReadProblemAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }
}
