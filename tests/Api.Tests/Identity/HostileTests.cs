using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Identity;

/// <summary>Every endpoint against everybody who may not use it. The endpoints are those that the Api has; what each allows is in <see cref="EndpointRules"/>.</summary>
public partial class HostileTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    [Fact]
    public void every_endpoint_has_a_rule_and_every_rule_an_endpoint() =>
        Assert.Equal(EndpointRules.All.Keys.Order(StringComparer.Ordinal), Endpoints().Select(NameOf).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void only_what_is_for_everybody_is_open() => Assert.Equal(
        EndpointRules.All.Where(rule => rule.Value.Who == Who.Everybody).Select(rule => rule.Key).Order(StringComparer.Ordinal),
        Endpoints().Where(endpoint => endpoint.Endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null).Select(NameOf).Distinct().Order(StringComparer.Ordinal));

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer")]
    [InlineData("Bearer nonsense")]
    [InlineData("Bearer llma_nonsense")]
    [InlineData("Basic cHJvOkRlbW8=")]
    public async Task without_good_credentials_it_is_401(string? authorization) => await EachAsync(_ => true, async (method, path) =>
    {
        using var request = new HttpRequestMessage(method, path);
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        using var response = await fixture.Client.SendAsync(request, TestContext.Current.CancellationToken);
        await IsUnauthorizedAsync(response, path);
    });

    [Fact]
    public async Task with_an_expired_token_or_key_it_is_401()
    {
        var person = await fixture.RegisterAsync();
        var (key, _) = await KeyAsync(person, days: 1);

        fixture.Time.Advance(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(1));

        await IsRefusedAsync(person.Tokens.Access);
        await IsRefusedAsync(key);
    }

    [Fact]
    public async Task with_a_revoked_token_or_key_it_is_401()
    {
        var person = await fixture.RegisterAsync();
        var (key, id) = await KeyAsync(person);
        using var revoked = await person.SendAsync(HttpMethod.Delete, $"/identity/api-keys/{id}");
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        using var signedOut = await person.SendAsync(HttpMethod.Post, "/identity/logout");
        Assert.Equal(HttpStatusCode.NoContent, signedOut.StatusCode);

        await IsRefusedAsync(person.Tokens.Access);
        await IsRefusedAsync(key);
    }

    [Fact]
    public async Task with_a_refresh_token_it_is_401() => await IsRefusedAsync((await fixture.RegisterAsync()).Tokens.Refresh);

    [Fact]
    public async Task an_api_key_may_use_what_is_for_users_and_nothing_else()
    {
        var (key, _) = await KeyAsync(await fixture.RegisterAsync());

        await EachAsync(rule => rule.Who is not (Who.User or Who.ApiKey), async (method, path) =>
        {
            using var response = await fixture.Client.SendAsync(method, path, key, new { });
            await response.IsProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        });
        await EachAsync(rule => rule.Who is Who.User or Who.ApiKey, async (method, path) =>
        {
            using var response = await fixture.Client.SendAsync(method, path, key, method == HttpMethod.Post ? new { } : null);
            Assert.False(response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden, $"{method} {path} answers {response.StatusCode}.");
        });
    }

    [Fact]
    public async Task a_token_may_not_use_what_is_for_api_keys()
    {
        var person = await fixture.RegisterAsync();

        await EachAsync(rule => rule.Who == Who.ApiKey, async (method, path) =>
        {
            using var response = await person.SendAsync(method, path);
            await IsUnauthorizedAsync(response, path);
        });
    }

    [Fact]
    public async Task a_member_may_not_do_what_is_for_admins()
    {
        var admin = await fixture.RegisterAsync();
        var member = await fixture.RegisterAsync(await admin.InviteAsync());

        await EachAsync(rule => rule.Who == Who.Admin, async (method, path) =>
        {
            using var response = await member.SendAsync(method, path, new { role = "admin" });
            await response.IsProblemAsync(HttpStatusCode.Forbidden, "admin_required");
        });
    }

    [Fact]
    public async Task an_admin_may_not_do_what_is_for_operators()
    {
        var admin = await fixture.RegisterAsync();

        await EachAsync(rule => rule.Who == Who.Operator, async (method, path) =>
        {
            using var response = await admin.SendAsync(method, path, new { });
            await response.IsProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        });
    }

    [Fact]
    public async Task what_is_of_others_does_not_exist()
    {
        var owner = await fixture.RegisterAsync();
        var colleague = await fixture.RegisterAsync(await owner.InviteAsync("admin"));
        var stranger = await fixture.RegisterAsync();
        foreach (var (endpoint, method) in Endpoints())
        {
            if (EndpointRules.All.GetValueOrDefault(NameOf((endpoint, method)))?.Target is not { } target)
            {
                continue;
            }

            var id = await target.MakeAsync(owner);
            var before = await target.LookAsync(owner, id);
            foreach (var attacker in target.IsShared ? [stranger] : (Person[])[colleague, stranger])
            {
                using var response = await attacker.SendAsync(
                    HttpMethod.Parse(method), Parameter().Replace(endpoint.RoutePattern.RawText!, id.ToString()), new { role = "member" });
                Assert.True(response.StatusCode == HttpStatusCode.NotFound, $"{method} {endpoint.RoutePattern.RawText} answers {response.StatusCode}.");
            }

            Assert.Equal(before, await target.LookAsync(owner, id));
        }
    }

    private async Task IsRefusedAsync(string credentials) => await EachAsync(_ => true, async (method, path) =>
    {
        using var response = await fixture.Client.SendAsync(method, path, credentials);
        await IsUnauthorizedAsync(response, path);
    });

    private static async Task IsUnauthorizedAsync(HttpResponseMessage response, string path)
    {
        if (path.StartsWith("/v1/", StringComparison.Ordinal))
        {
            var error = (await response.ReadAsync(HttpStatusCode.Unauthorized)).GetProperty("error");
            Assert.Equal("invalid_api_key", error.GetProperty("code").GetString());
        }
        else
        {
            await response.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
        }
    }

    /// <summary>Asks each endpoint that is not for everybody, by ids that nothing has.</summary>
    private async Task EachAsync(Func<EndpointRule, bool> filter, Func<HttpMethod, string, Task> askAsync)
    {
        var asked = Endpoints()
            .Where(endpoint => EndpointRules.All.GetValueOrDefault(NameOf(endpoint)) is { } rule && rule.Who != Who.Everybody && filter(rule)).ToList();
        Assert.NotEmpty(asked);
        foreach (var (endpoint, method) in asked)
        {
            try
            {
                await askAsync(HttpMethod.Parse(method), Parameter().Replace(endpoint.RoutePattern.RawText!, Guid.NewGuid().ToString()));
            }
            catch (Exception exception)
            {
                Assert.Fail($"{method} {endpoint.RoutePattern.RawText}: {exception.Message}");
            }
        }
    }

    private static async Task<(string Key, Guid Id)> KeyAsync(Person person, int days = 30)
    {
        using var made = await person.SendAsync(HttpMethod.Post, "/identity/api-keys", new { name = "k", expiresInDays = days });
        var key = await made.ReadAsync(HttpStatusCode.Created);
        return (key.GetProperty("key").GetString()!, key.GetProperty("id").GetGuid());
    }

    private IEnumerable<(RouteEndpoint Endpoint, string Method)> Endpoints() =>
        fixture.Api.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            // Health checks answer every method.
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"], (endpoint, method) => (endpoint, method));

    private static string NameOf((RouteEndpoint Endpoint, string Method) endpoint) => $"{endpoint.Method} {endpoint.Endpoint.RoutePattern.RawText!.TrimEnd('/')}";

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();
}
