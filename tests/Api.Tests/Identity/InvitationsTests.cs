using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace LlmAspire.Api.Tests.Identity;

/// <summary>Which invitations are open, to whom they are shown, and what ends them.</summary>
public sealed class InvitationsTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    [Fact]
    public async Task a_removed_admin_does_not_come_back_by_their_own_invitation()
    {
        var admin = await fixture.RegisterAsync();
        var second = await fixture.RegisterAsync(await admin.InviteAsync("admin"));
        var kept = await second.InviteAsync("admin");

        using var removed = await admin.SendAsync(HttpMethod.Delete, $"/organisation/members/{second.Id}");

        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        Assert.Empty(await ListAsync(admin));
        await RefuseAsync(kept);
    }

    [Fact]
    public async Task an_invitation_ends_while_its_maker_is_no_admin()
    {
        var admin = await fixture.RegisterAsync();
        var second = await fixture.RegisterAsync(await admin.InviteAsync("admin"));
        var kept = await second.InviteAsync();
        await SetRoleAsync(admin, second, "member");

        Assert.Empty(await ListAsync(admin));
        await RefuseAsync(kept);

        await SetRoleAsync(admin, second, "admin");
        await fixture.RegisterAsync(kept);
    }

    [Fact]
    public async Task admins_see_what_is_open_and_nobody_else_does()
    {
        var admin = await fixture.RegisterAsync();
        var (used, open) = (await admin.InviteAsync(), await admin.InviteAsync("admin"));
        var member = await fixture.RegisterAsync(used);
        var stranger = await fixture.RegisterAsync();

        var only = Assert.Single(await ListAsync(admin));
        Assert.Equal(("admin", admin.Email), (only.GetProperty("role").GetString(), only.GetProperty("invitedBy").GetString()));
        Assert.DoesNotContain(open, only.ToString(), StringComparison.Ordinal);
        using var refused = await member.GetAsync("/organisation/invitations");
        await refused.IsProblemAsync(HttpStatusCode.Forbidden, "admin_required");
        Assert.Empty(await ListAsync(stranger));

        foreach (var (person, status, code) in new[] { (member, HttpStatusCode.Forbidden, "admin_required"), (stranger, HttpStatusCode.NotFound, "invitation_unknown") })
        {
            using var revoked = await person.SendAsync(HttpMethod.Delete, $"/organisation/invitations/{only.GetProperty("id").GetGuid()}");
            await revoked.IsProblemAsync(status, code);
        }

        Assert.Single(await ListAsync(admin));
    }

    [Fact]
    public async Task a_revoked_invitation_is_good_for_nobody()
    {
        var admin = await fixture.RegisterAsync();
        var token = await admin.InviteAsync();
        var address = $"/organisation/invitations/{Assert.Single(await ListAsync(admin)).GetProperty("id").GetGuid()}";

        using var revoked = await admin.SendAsync(HttpMethod.Delete, address);

        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        await RefuseAsync(token);
        using var again = await admin.SendAsync(HttpMethod.Delete, address);
        await again.IsProblemAsync(HttpStatusCode.NotFound, "invitation_unknown");
    }

    [Fact]
    public async Task so_many_of_one_admin_are_open_also_when_they_are_made_at_once()
    {
        var admin = await fixture.RegisterAsync();
        var made = await Task.WhenAll(Enumerable.Range(0, 25).Select(_ => admin.SendAsync(HttpMethod.Post, "/organisation/invitations", new { })));

        Assert.Equal(20, made.Count(one => one.StatusCode == HttpStatusCode.Created));
        await made.First(one => one.StatusCode != HttpStatusCode.Created).IsProblemAsync(HttpStatusCode.Conflict, "too_many_invitations");

        await fixture.RegisterAsync((await made.First(one => one.StatusCode == HttpStatusCode.Created).Content
            .ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("token").GetString());
        await admin.InviteAsync();
    }

    private static async Task<List<JsonElement>> ListAsync(Person person)
    {
        using var answer = await person.GetAsync("/organisation/invitations");
        return [.. (await answer.ReadAsync(HttpStatusCode.OK)).EnumerateArray()];
    }

    private static async Task SetRoleAsync(Person admin, Person member, string role)
    {
        using var set = await admin.SendAsync(HttpMethod.Put, $"/organisation/members/{member.Id}/role", new { role });
        Assert.Equal(HttpStatusCode.NoContent, set.StatusCode);
    }

    private async Task RefuseAsync(string invitation)
    {
        using var refused = await fixture.Client.PostAsJsonAsync(
            "/identity/register", new { email = AccountsFixture.NewEmail(), password = AccountsFixture.Password, invitation }, TestContext.Current.CancellationToken);
        await refused.IsProblemAsync(HttpStatusCode.BadRequest, "invitation_invalid");
    }
}
