using System.Net;
using LlmAspire.AppHost.Services;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.AppHost.Tests;

/// <summary>The reasons of a service, as the dashboard shows them.</summary>
public sealed class ReportedHealthTests
{
    [Theory]
    [InlineData(503, """{"status":"Unhealthy","checks":{"gateway":{"status":"Unhealthy","description":"The gateway does not answer."}}}""", "gateway: The gateway does not answer.")]
    [InlineData(503, """{"status":"Unhealthy","checks":{"ledger":{"status":"Unhealthy"}}}""", "ledger: Unhealthy")]
    [InlineData(503, "Unhealthy", "GET /health answers 503.")]
    [InlineData(404, "<html>", "GET /health answers 404.")]
    public async Task a_service_that_is_not_healthy_says_why(int status, string body, string reason)
    {
        var health = await CheckAsync(_ => new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body) });

        Assert.Equal((HealthStatus.Unhealthy, reason), (health.Status, health.Description));
    }

    [Theory]
    [InlineData("""{"status":"Healthy","checks":{}}""", null)]
    [InlineData("""{"status":"Degraded","checks":{"gateway":{"status":"Degraded","description":"The gateway does not answer."}}}""", "gateway: The gateway does not answer.")]
    [InlineData("\"I'm alive!\"", null)]
    public async Task a_service_that_can_work_is_healthy_whatever_it_says_besides(string body, string? reason)
    {
        var health = await CheckAsync(_ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(body) });

        Assert.Equal((HealthStatus.Healthy, reason), (health.Status, health.Description));
    }

    [Fact]
    public async Task a_service_that_does_not_answer_is_not_a_stack_trace()
    {
        var health = await CheckAsync(_ => throw new HttpRequestException("Connection refused"));

        Assert.Equal((HealthStatus.Unhealthy, "It does not answer yet.", null), (health.Status, health.Description, health.Exception));
    }

    private static Task<HealthCheckResult> CheckAsync(Func<HttpRequestMessage, HttpResponseMessage> answer) =>
        new ReportedHealth(new Clients(answer), () => new Uri("http://service/health")).CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken);

    private sealed class Clients(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler, IHttpClientFactory
    {
        public HttpClient CreateClient(string name) => new(this, disposeHandler: false);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(answer(request));
    }
}
