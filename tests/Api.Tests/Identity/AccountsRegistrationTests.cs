using System.Net;
using System.Net.Http.Json;

namespace LlmAspire.Api.Tests.Identity;

public class AccountsRegistrationTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task who_founds_an_organisation_is_its_admin_on_the_default_plan()
    {
        var email = AccountsFixture.NewEmail();

        using var response = await RegisterAsync(new { email, password = AccountsFixture.Password, organisationName = " Acme " });

        var me = await response.ReadAsync(HttpStatusCode.Created);
        Assert.Equal(email, me.GetProperty("email").GetString());
        Assert.Equal("Acme", me.GetProperty("organisation").GetProperty("name").GetString());
        Assert.Equal("admin", me.GetProperty("role").GetString());
        Assert.Equal("basic", me.GetProperty("plan").GetString());
        Assert.False(me.GetProperty("operator").GetBoolean());
    }

    [Fact]
    public async Task an_invitation_makes_a_member_of_its_organisation_once()
    {
        var admin = await fixture.RegisterAsync();
        var invitation = await admin.InviteAsync("admin");

        var joined = await fixture.RegisterAsync(invitation);
        using var again = await RegisterAsync(new { email = AccountsFixture.NewEmail(), password = AccountsFixture.Password, invitation });

        Assert.Equal(admin.Organisation, joined.Organisation);
        using var me = await joined.GetAsync("/identity/me");
        Assert.Equal("admin", (await me.ReadAsync()).GetProperty("role").GetString());
        Assert.Contains("invitation", await again.IsProblemAsync(HttpStatusCode.BadRequest, "invitation_invalid"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task of_two_who_use_an_invitation_at_once_one_joins()
    {
        var admin = await fixture.RegisterAsync();
        var invitation = await admin.InviteAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ =>
            RegisterAsync(new { email = AccountsFixture.NewEmail(), password = AccountsFixture.Password, invitation })));

        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created);
        Assert.Equal(3, answers.Count(answer => answer.StatusCode == HttpStatusCode.BadRequest));
        using var members = await admin.GetAsync("/organisation/members");
        Assert.Equal(2, (await members.ReadAsync()).GetArrayLength());
    }

    [Fact]
    public async Task a_failed_registration_gives_the_invitation_back()
    {
        var admin = await fixture.RegisterAsync();
        var invitation = await admin.InviteAsync();

        using var taken = await RegisterAsync(new { email = admin.Email, password = AccountsFixture.Password, invitation });

        await taken.IsProblemAsync(HttpStatusCode.Conflict, "email_taken");
        Assert.Equal(admin.Organisation, (await fixture.RegisterAsync(invitation)).Organisation);
    }

    [Fact]
    public async Task an_expired_invitation_is_refused_and_does_not_tell_whether_the_e_mail_is_known()
    {
        var admin = await fixture.RegisterAsync();
        var invitation = await admin.InviteAsync();
        fixture.Time.Advance(TimeSpan.FromDays(7));

        using var expired = await RegisterAsync(new { email = admin.Email, password = AccountsFixture.Password, invitation });
        using var invented = await RegisterAsync(new { email = admin.Email, password = AccountsFixture.Password, invitation = "x" });

        var detail = await expired.IsProblemAsync(HttpStatusCode.BadRequest, "invitation_invalid");
        Assert.Equal(detail, await invented.IsProblemAsync(HttpStatusCode.BadRequest, "invitation_invalid"));
    }

    [Fact]
    public async Task an_e_mail_has_one_account_whatever_its_case_also_when_registered_twice_at_once()
    {
        var email = AccountsFixture.NewEmail();

        var answers = await Task.WhenAll(new[] { email, email.ToUpperInvariant(), email }.Select(each =>
            RegisterAsync(new { email = each, password = AccountsFixture.Password, organisationName = "Acme" })));

        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created);
        foreach (var refused in answers.Where(answer => answer.StatusCode != HttpStatusCode.Created))
        {
            await refused.IsProblemAsync(HttpStatusCode.Conflict, "email_taken");
        }

        // What the losers had begun to found is gone too.
        Assert.Equal(0L, await fixture.QueryAsync<long>(
            "SELECT count(*) FROM tenant.organisation AS o WHERE NOT EXISTS (SELECT FROM tenant.account WHERE organisation_id = o.id)"));
    }

    [Theory]
    [InlineData("a@example.org", "Short-12!", "Acme", null, "password_too_short", "property password")]
    [InlineData("a@example.org", null, "Acme", null, "password_too_short", "property password")]
    [InlineData("", "long enough", "Acme", null, "email_invalid", "property email")]
    [InlineData("nobody", "long enough", "Acme", null, "email_invalid", "property email")]
    [InlineData("a b@example.org", "long enough", "Acme", null, "email_invalid", "property email")]
    [InlineData("a@example.org", "long enough", null, null, "organisation_missing", "organisationName")]
    [InlineData("a@example.org", "long enough", "Acme", "x", "organisation_ambiguous", "organisationName")]
    [InlineData("a@example.org", "long enough", " ", null, "name_invalid", "organisationName")]
    [InlineData("a@example.org", "long enough", "A\nB", null, "name_invalid", "organisationName")]
    public async Task what_is_not_valid_is_named(string? email, string? password, string? organisationName, string? invitation, string code, string named)
    {
        using var response = await RegisterAsync(new { email, password, organisationName, invitation });

        Assert.Contains(named, await response.IsProblemAsync(HttpStatusCode.BadRequest, code), StringComparison.Ordinal);
    }

    [Fact]
    public async Task neither_passwords_nor_secrets_are_stored_or_logged()
    {
        var admin = await fixture.RegisterAsync();
        var invitation = await admin.InviteAsync();
        using var made = await admin.SendAsync(HttpMethod.Post, "/identity/api-keys", new { name = "k" });
        var key = (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("key").GetString()!;
        using var used = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", key);
        Assert.Equal(HttpStatusCode.OK, used.StatusCode);

        var stored = await fixture.QueryAsync<string>("SELECT database_to_xml(true, false, '')::text");

        Assert.Contains(admin.Email, stored, StringComparison.Ordinal);
        foreach (var secret in new[] { AccountsFixture.Password, invitation, key, admin.Tokens.Access, admin.Tokens.Refresh })
        {
            Assert.DoesNotContain(secret, stored, StringComparison.Ordinal);
            Assert.DoesNotContain(fixture.Api.Logs.Entries, entry => entry.Text.Contains(secret, StringComparison.Ordinal));
        }
    }

    private Task<HttpResponseMessage> RegisterAsync(object body) => fixture.Client.PostAsJsonAsync("/identity/register", body, Token);
}
