using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Data;
using LlmAspire.Api.Tests.Runs;
using LlmAspire.TestPostgres;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Conversations;

/// <summary>All requests share one pooled context: whoever comes next must not be taken for the one before.</summary>
public class TenantTests
{
    private static readonly string[] People = ["basic", "pro", "rival", "operator"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task requests_on_one_pooled_context_see_their_own_rows_only()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await CreateApiAsync(gateway);
        var clients = new Dictionary<string, (HttpClient Client, Guid Conversation)>();
        foreach (var person in People)
        {
            var client = await api.CreateSignedInClientAsync(person);
            clients[person] = (client, (await client.SendAsync(new { message = $"I am {person}" }))[0].Id("conversationId"));
        }

        await Task.WhenAll(Enumerable.Range(0, 200).Select(async turn =>
        {
            var (person, other) = (People[turn % People.Length], People[(turn + 1 + turn / People.Length) % People.Length]);
            var client = clients[person].Client;
            var page = await client.GetFromJsonAsync<JsonElement>("/conversations?search=am", Token);
            Assert.Equal($"I am {person}", Assert.Single(page.GetProperty("items").EnumerateArray()).GetProperty("title").GetString());
            using var theirs = await client.GetAsync($"/conversations/{clients[other].Conversation}", Token);
            Assert.Equal(person == other ? HttpStatusCode.OK : HttpStatusCode.NotFound, theirs.StatusCode);
            // Its handler fails, its lease ends all the same.
            using var refused = await client.PatchAsJsonAsync($"/conversations/{clients[other].Conversation}", new { title = new { } }, Token);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }));
    }

    [Fact]
    public async Task a_lease_without_a_tenant_sees_nothing_whoever_had_the_context_before()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await CreateApiAsync(gateway);
        var client = await api.CreateSignedInClientAsync("pro");
        await client.SendAsync(new { message = "Mine" });
        var (owner, scope, second) = await LeaseAgainAsync(api.Services);
        await using (scope)
        {
            Assert.Equal((0, 0, 0), (
                await second.Conversations.CountAsync(Token), await second.Messages.CountAsync(Token), await second.Runs.CountAsync(Token)));
            second.Tenant = owner with { OrgId = Guid.NewGuid() };
            Assert.Equal(0, await second.Messages.CountAsync(Token));
            second.Tenant = owner;
            Assert.Equal(2, await second.Messages.CountAsync(Token));
        }

        using var last = api.Services.CreateScope();
        Assert.Null(last.ServiceProvider.GetRequiredService<TenantContext>().Tenant);
    }

    /// <summary>
    /// Leases a context for the tenant who has the one conversation, and then the very same context for nobody. The background work of the Api leases contexts
    /// too: until it has taken none between the two.
    /// </summary>
    private static async Task<(Tenant Owner, AsyncServiceScope Scope, TenantContext Again)> LeaseAgainAsync(IServiceProvider services)
    {
        while (true)
        {
            Tenant owner;
            TenantContext first;
            await using (var scope = services.CreateAsyncScope())
            {
                first = scope.ServiceProvider.GetRequiredService<TenantContext>();
                owner = await first.Conversations.IgnoreQueryFilters([TenantContext.TenantFilter]).Select(row => new Tenant(row.OrgId, row.UserId)).SingleAsync(Token);
                first.Tenant = owner;
                Assert.Equal(1, await first.Conversations.CountAsync(Token));
            }

            var again = services.CreateAsyncScope();
            if (ReferenceEquals(first, again.ServiceProvider.GetRequiredService<TenantContext>()))
            {
                return (owner, again, first);
            }

            await again.DisposeAsync();
        }
    }

    private static async Task<ApiFactory> CreateApiAsync(TestGateway gateway) => new(gateway.BaseUrl)
    {
        Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync(),
        Replace = services => services.ConfigureDbContext<TenantContext>(options => ((IDbContextOptionsBuilderInfrastructure)options).AddOrUpdateExtension(
            options.Options.GetExtension<CoreOptionsExtension>().WithMaxPoolSize(1))),
    };
}
