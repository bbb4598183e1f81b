using System.Net;

namespace LlmAspire.Api.Tests.Identity;

public class AccountsOrganisationTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    [Fact]
    public async Task members_see_their_organisation_and_nobody_elses()
    {
        var admin = await fixture.RegisterAsync();
        var member = await fixture.RegisterAsync(await admin.InviteAsync());
        await fixture.RegisterAsync();

        using var organisation = await member.GetAsync("/organisation");
        using var members = await member.GetAsync("/organisation/members");

        Assert.Equal(admin.Organisation, (await organisation.ReadAsync()).GetProperty("id").GetGuid());
        Assert.Equal(
            [$"{admin.Email} admin", $"{member.Email} member"],
            (await members.ReadAsync()).EnumerateArray().Select(row => $"{row.GetProperty("email").GetString()} {row.GetProperty("role").GetString()}"));
    }

    [Fact]
    public async Task a_member_administers_nothing()
    {
        var admin = await fixture.RegisterAsync();
        var member = await fixture.RegisterAsync(await admin.InviteAsync());

        foreach (var response in new[]
        {
            await member.SendAsync(HttpMethod.Post, "/organisation/invitations", new { role = "admin" }),
            await member.SendAsync(HttpMethod.Delete, $"/organisation/members/{admin.Id}"),
            await member.SendAsync(HttpMethod.Put, $"/organisation/members/{member.Id}/role", new { role = "admin" }),
        })
        {
            await response.IsProblemAsync(HttpStatusCode.Forbidden, "admin_required");
            response.Dispose();
        }

        Assert.Equal("member", await RoleAsync(member));
    }

    [Fact]
    public async Task an_admin_of_another_organisation_finds_no_such_member()
    {
        var admin = await fixture.RegisterAsync();
        var member = await fixture.RegisterAsync(await admin.InviteAsync());
        var rival = await fixture.RegisterAsync();

        foreach (var response in new[]
        {
            await rival.SendAsync(HttpMethod.Delete, $"/organisation/members/{member.Id}"),
            await rival.SendAsync(HttpMethod.Put, $"/organisation/members/{member.Id}/role", new { role = "admin" }),
            await rival.SendAsync(HttpMethod.Delete, $"/organisation/members/{Guid.NewGuid()}"),
        })
        {
            await response.IsProblemAsync(HttpStatusCode.NotFound, "member_unknown");
            response.Dispose();
        }

        Assert.Equal("member", await RoleAsync(member));
    }

    [Fact]
    public async Task a_new_role_counts_at_once()
    {
        var admin = await fixture.RegisterAsync();
        var member = await fixture.RegisterAsync(await admin.InviteAsync());
        Assert.Equal("member", await RoleAsync(member));

        using var promoted = await admin.SendAsync(HttpMethod.Put, $"/organisation/members/{member.Id}/role", new { role = "admin" });
        Assert.Equal(HttpStatusCode.NoContent, promoted.StatusCode);
        Assert.Equal("admin", await RoleAsync(member));
        using var demoted = await member.SendAsync(HttpMethod.Put, $"/organisation/members/{admin.Id}/role", new { role = "member" });

        Assert.Equal(HttpStatusCode.NoContent, demoted.StatusCode);
        using var refused = await admin.SendAsync(HttpMethod.Post, "/organisation/invitations", new { });
        await refused.IsProblemAsync(HttpStatusCode.Forbidden, "admin_required");
    }

    [Fact]
    public async Task who_is_removed_is_signed_out_and_their_keys_are_gone()
    {
        var admin = await fixture.RegisterAsync();
        var member = await fixture.RegisterAsync(await admin.InviteAsync());
        using var made = await member.SendAsync(HttpMethod.Post, "/identity/api-keys", new { name = "k" });
        var key = (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("key").GetString();
        using var used = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", key);
        Assert.Equal(HttpStatusCode.OK, used.StatusCode);

        using var removed = await admin.SendAsync(HttpMethod.Delete, $"/organisation/members/{member.Id}");

        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        using var byToken = await member.GetAsync("/identity/me");
        await byToken.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
        using var byKey = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", key);
        await byKey.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
        using var again = await admin.SendAsync(HttpMethod.Delete, $"/organisation/members/{member.Id}");
        await again.IsProblemAsync(HttpStatusCode.NotFound, "member_unknown");
    }

    [Fact]
    public async Task the_last_admin_stays()
    {
        var admin = await fixture.RegisterAsync();
        await fixture.RegisterAsync(await admin.InviteAsync());

        using var left = await admin.SendAsync(HttpMethod.Delete, $"/organisation/members/{admin.Id}");
        using var demoted = await admin.SendAsync(HttpMethod.Put, $"/organisation/members/{admin.Id}/role", new { role = "member" });
        using var confirmed = await admin.SendAsync(HttpMethod.Put, $"/organisation/members/{admin.Id}/role", new { role = "admin" });

        await left.IsProblemAsync(HttpStatusCode.Conflict, "last_admin");
        await demoted.IsProblemAsync(HttpStatusCode.Conflict, "last_admin");
        Assert.Equal(HttpStatusCode.NoContent, confirmed.StatusCode);
        Assert.Equal("admin", await RoleAsync(admin));
    }

    [Fact]
    public async Task two_admins_who_demote_each_other_at_once_leave_one()
    {
        var first = await fixture.RegisterAsync();
        var second = await fixture.RegisterAsync(await first.InviteAsync("admin"));

        var answers = await Task.WhenAll(
            first.SendAsync(HttpMethod.Put, $"/organisation/members/{second.Id}/role", new { role = "member" }),
            second.SendAsync(HttpMethod.Put, $"/organisation/members/{first.Id}/role", new { role = "member" }));

        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.NoContent);
        Assert.Equal(1L, await fixture.QueryAsync<long>(
            $"SELECT count(*) FROM tenant.account WHERE organisation_id = '{first.Organisation}' AND role = 'admin'"));
    }

    [Fact]
    public async Task a_role_that_is_missing_or_unknown_is_named()
    {
        var admin = await fixture.RegisterAsync();

        using var missing = await admin.SendAsync(HttpMethod.Put, $"/organisation/members/{admin.Id}/role", new { });
        using var unknown = await admin.SendAsync(HttpMethod.Put, $"/organisation/members/{admin.Id}/role", new { role = "owner" });

        Assert.Contains("property role", await missing.IsProblemAsync(HttpStatusCode.BadRequest, "role_missing"), StringComparison.Ordinal);
        Assert.Contains("$.role", await unknown.IsProblemAsync(HttpStatusCode.BadRequest, "json_unexpected"), StringComparison.Ordinal);
    }

    private static async Task<string?> RoleAsync(Person person)
    {
        using var me = await person.GetAsync("/identity/me");
        return (await me.ReadAsync()).GetProperty("role").GetString();
    }
}
