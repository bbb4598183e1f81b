using System.Net;
using System.Text.Json;

namespace LlmAspire.Api.Tests.Identity;

public class AccountsKeyTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    [Fact]
    public async Task a_key_is_shown_once_and_stands_for_its_owner()
    {
        var person = await fixture.RegisterAsync();

        var made = await CreateAsync(person, new { name = " laptop " });
        var key = made.GetProperty("key").GetString()!;
        using var me = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", key);
        using var models = await fixture.Client.SendAsync(HttpMethod.Get, "/llm/models", key);
        var shown = default(JsonElement);
        await Until.TrueAsync(async () =>
        {
            using var list = await person.GetAsync("/identity/api-keys");
            shown = Assert.Single((await list.ReadAsync()).EnumerateArray());
            return shown.GetProperty("lastUsedAt").ValueKind != JsonValueKind.Null;
        });

        Assert.Matches("^llma_[0-9a-f]{8}[A-Za-z0-9_-]{43}$", key);
        Assert.Equal(person.Id, (await me.ReadAsync()).GetProperty("id").GetGuid());
        Assert.Equal(HttpStatusCode.OK, models.StatusCode);
        Assert.Equal("laptop", shown.GetProperty("name").GetString());
        Assert.Equal(key[..13], shown.GetProperty("prefix").GetString());
        Assert.DoesNotContain(key[13..], shown.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_revoked_key_is_refused_at_once()
    {
        var person = await fixture.RegisterAsync();
        var made = await CreateAsync(person, new { name = "k" });
        var key = made.GetProperty("key").GetString()!;
        using var before = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", key);
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        using var revoked = await person.SendAsync(HttpMethod.Delete, $"/identity/api-keys/{made.GetProperty("id").GetGuid()}");

        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        using var after = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", key);
        await after.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
        using var list = await person.GetAsync("/identity/api-keys");
        Assert.NotEqual(JsonValueKind.Null, (await list.ReadAsync())[0].GetProperty("revokedAt").ValueKind);
    }

    [Fact]
    public async Task a_key_expires()
    {
        var person = await fixture.RegisterAsync();
        var key = (await CreateAsync(person, new { name = "k", expiresInDays = 1 })).GetProperty("key").GetString()!;
        using var before = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", key);
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        fixture.Time.Advance(TimeSpan.FromDays(1));

        using var after = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", key);
        await after.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
    }

    [Fact]
    public async Task the_last_use_is_written_once_a_minute()
    {
        var person = await fixture.RegisterAsync();
        var key = (await CreateAsync(person, new { name = "k" })).GetProperty("key").GetString()!;

        var first = await UseAsync();
        fixture.Time.Advance(TimeSpan.FromSeconds(10));
        var soon = await UseAsync();
        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        var later = await UseAsync();

        Assert.Equal(first, soon);
        Assert.True(later > first);

        async Task<DateTime> UseAsync()
        {
            using var used = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", key);
            Assert.Equal(HttpStatusCode.OK, used.StatusCode);
            return await fixture.QueryAsync<DateTime>($"SELECT last_used_at FROM tenant.api_key WHERE account_id = '{person.Id}'");
        }
    }

    [Fact]
    public async Task the_key_of_somebody_else_is_unknown_and_stays()
    {
        var owner = await fixture.RegisterAsync();
        var colleague = await fixture.RegisterAsync(await owner.InviteAsync("admin"));
        var made = await CreateAsync(owner, new { name = "k" });

        using var refused = await colleague.SendAsync(HttpMethod.Delete, $"/identity/api-keys/{made.GetProperty("id").GetGuid()}");
        using var list = await colleague.GetAsync("/identity/api-keys");

        await refused.IsProblemAsync(HttpStatusCode.NotFound, "api_key_unknown");
        Assert.Equal(0, (await list.ReadAsync()).GetArrayLength());
        using var still = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", made.GetProperty("key").GetString());
        Assert.Equal(HttpStatusCode.OK, still.StatusCode);
    }

    [Theory]
    [InlineData("POST", "/identity/api-keys")]
    [InlineData("GET", "/identity/api-keys")]
    [InlineData("POST", "/identity/password")]
    [InlineData("POST", "/identity/logout")]
    [InlineData("GET", "/organisation/members")]
    [InlineData("POST", "/organisation/invitations")]
    public async Task a_key_manages_neither_keys_nor_accounts(string method, string path)
    {
        var person = await fixture.RegisterAsync();
        var key = (await CreateAsync(person, new { name = "k" })).GetProperty("key").GetString()!;

        using var response = await fixture.Client.SendAsync(HttpMethod.Parse(method), path, key, method == "POST" ? new { name = "another" } : null);

        await response.IsProblemAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Theory]
    [InlineData("", null, "name_invalid", "property name")]
    [InlineData(null, null, "name_invalid", "property name")]
    [InlineData("k", 0, "expiry_invalid", "expiresInDays")]
    [InlineData("k", 366, "expiry_invalid", "expiresInDays")]
    public async Task what_is_not_valid_is_named(string? name, int? expiresInDays, string code, string named)
    {
        var person = await fixture.RegisterAsync();

        using var response = await person.SendAsync(HttpMethod.Post, "/identity/api-keys", new { name, expiresInDays });

        Assert.Contains(named, await response.IsProblemAsync(HttpStatusCode.BadRequest, code), StringComparison.Ordinal);
    }

    private static async Task<JsonElement> CreateAsync(Person person, object body)
    {
        using var response = await person.SendAsync(HttpMethod.Post, "/identity/api-keys", body);
        Assert.True(response.Headers.CacheControl?.NoStore);
        return await response.ReadAsync(HttpStatusCode.Created);
    }
}
