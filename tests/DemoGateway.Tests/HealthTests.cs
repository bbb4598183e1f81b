using System.Net;

namespace LlmAspire.DemoGateway.Tests;

public class HealthTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    [Theory]
    [InlineData("/health/liveliness")]
    [InlineData("/health/liveness")]
    public async Task liveness_needs_no_key_and_is_a_json_string(string path)
    {
        using var response = await gateway.Anonymous.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("\"I'm alive!\"", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task readiness_needs_no_key_and_is_healthy_without_a_database()
    {
        var body = await gateway.Anonymous.GetStringAsync(new Uri("/health/readiness", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(
            """{"status":"healthy","db":"connected","cache":null,"litellm_version":"1.81.12","success_callbacks":["sync_deployment_callback_on_success"],"use_aiohttp_transport":true}""",
            body);
    }

    [Fact]
    public async Task health_itself_needs_the_key()
    {
        using var without = await gateway.Anonymous.GetAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken);
        using var with = await gateway.Client.GetAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Unauthorized, without.StatusCode);
        Assert.Equal(HttpStatusCode.OK, with.StatusCode);
        Assert.Contains("\"unhealthy_count\":0", await with.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }
}
