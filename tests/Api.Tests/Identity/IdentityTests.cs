using System.Diagnostics;
using System.Net;
using LlmAspire.Api.Identity;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Identity;

public class IdentityTests
{
    private static readonly string[] OpenPaths = ["/health", "/alive", "/openapi/{documentName}.json"];

    [Theory]
    [InlineData("Production")]
    [InlineData("Staging")]
    public async Task the_development_identity_does_not_start_elsewhere(string environment)
    {
        await using var api = new ApiFactory("http://localhost:4000") { Environment = environment };

        var refusal = Assert.Throws<InvalidOperationException>(() => api.CreateClient());

        Assert.Contains("development identity", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task as_a_process_it_ends_with_a_message_and_a_code_that_is_not_zero()
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(Caller).Assembly.Location, "--urls", "http://127.0.0.1:0"])
        {
            Environment = { ["ASPNETCORE_ENVIRONMENT"] = "Production", ["LLM_BASE_URL"] = "http://localhost:4000", ["LLM_API_KEY"] = "x" },
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.NotEqual(0, process.ExitCode);
        Assert.Contains("ASPNETCORE_ENVIRONMENT=Development", await errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task every_endpoint_but_health_and_the_document_requires_authorization()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        await api.CreateReadyClientAsync();

        var endpoints = api.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => !OpenPaths.Contains(endpoint.RoutePattern.RawText)).ToList();

        Assert.Equal(["/chat", "/chat/runs/{id:guid}", "/llm/models"], endpoints.Select(e => e.RoutePattern.RawText!.TrimEnd('/')).Order());
        Assert.All(endpoints, endpoint => Assert.NotEmpty(endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>()));
        Assert.All(endpoints, endpoint => Assert.Null(endpoint.Metadata.GetMetadata<IAllowAnonymous>()));
    }

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
