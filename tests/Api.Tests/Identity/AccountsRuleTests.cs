using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Identity;

/// <summary>Of every endpoint, those of tomorrow too.</summary>
public partial class AccountsRuleTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    private static readonly string[] Anonymous =
        ["/alive", "/health", "/identity/login", "/identity/refresh", "/identity/register", "/openapi/{documentName}.json"];

    private List<RouteEndpoint> Endpoints =>
        [.. fixture.Api.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()];

    [Fact]
    public void only_these_are_open_to_everybody() => Assert.Equal(
        Anonymous,
        Endpoints.Where(IsAnonymous).Select(endpoint => endpoint.RoutePattern.RawText).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer")]
    [InlineData("Bearer nonsense")]
    [InlineData("Bearer llma_nonsense")]
    [InlineData("Basic cHJvOkRlbW8=")]
    public async Task everything_else_answers_401_without_good_credentials(string? authorization)
    {
        var asked = 0;
        foreach (var endpoint in Endpoints.Where(endpoint => !IsAnonymous(endpoint)))
        {
            foreach (var method in endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods)
            {
                using var request = new HttpRequestMessage(HttpMethod.Parse(method), Parameter().Replace(endpoint.RoutePattern.RawText!, Guid.NewGuid().ToString()));
                if (authorization is not null)
                {
                    request.Headers.TryAddWithoutValidation("Authorization", authorization);
                }

                // Means something in Development only.
                request.Headers.Add("X-Demo-User", "operator");
                using var response = await fixture.Client.SendAsync(request, TestContext.Current.CancellationToken);

                Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"{method} {endpoint.RoutePattern.RawText} answers {response.StatusCode}.");
                await response.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
                asked++;
            }
        }

        Assert.True(asked >= 14, $"Only {asked} endpoints were asked.");
    }

    private static bool IsAnonymous(RouteEndpoint endpoint) => endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null;

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();
}
