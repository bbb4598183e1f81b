using System.Net;
using System.Net.Http.Json;

namespace LlmAspire.Api.Tests.Identity;

public class AccountsSignInTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_token_says_who_one_is_and_lets_one_use_models()
    {
        var person = await fixture.RegisterAsync();

        using var me = await person.GetAsync("/identity/me");
        using var models = await person.GetAsync("/llm/models");

        Assert.Equal(person.Id, (await me.ReadAsync()).GetProperty("id").GetGuid());
        Assert.Equal(HttpStatusCode.OK, models.StatusCode);
        Assert.InRange(person.Tokens.ExpiresIn, 1, 900);
    }

    [Fact]
    public async Task an_unknown_e_mail_a_wrong_password_and_a_locked_account_are_answered_alike()
    {
        var person = await fixture.RegisterAsync();

        using var unknown = await LoginAsync(AccountsFixture.NewEmail(), AccountsFixture.Password);
        using var empty = await fixture.Client.PostAsJsonAsync("/identity/login", new { }, Token);
        var detail = await unknown.IsProblemAsync(HttpStatusCode.Unauthorized, "credentials_wrong");
        Assert.Equal(detail, await empty.IsProblemAsync(HttpStatusCode.Unauthorized, "credentials_wrong"));
        for (var attempt = 0; attempt < 5; attempt++)
        {
            using var wrong = await LoginAsync(person.Email, "wrong password");
            Assert.Equal(detail, await wrong.IsProblemAsync(HttpStatusCode.Unauthorized, "credentials_wrong"));
        }

        using var locked = await LoginAsync(person.Email, AccountsFixture.Password);
        Assert.Equal(detail, await locked.IsProblemAsync(HttpStatusCode.Unauthorized, "credentials_wrong"));
        Assert.InRange(
            await fixture.QueryAsync<double>(
                $"SELECT extract(epoch FROM lockout_end - now())::float8 FROM tenant.account WHERE id = '{person.Id}'"),
            1, 300);

        // The lock is a time in the database; past, it lets in again.
        await fixture.QueryAsync<Guid>(
            $"UPDATE tenant.account SET lockout_end = now() - interval '1 second' WHERE id = '{person.Id}' RETURNING id");
        await fixture.Client.SignInAsync(person.Email, AccountsFixture.Password);
    }

    [Fact]
    public async Task a_refresh_token_gives_new_tokens_until_it_expires()
    {
        var person = await fixture.RegisterAsync();

        fixture.Time.Advance(TimeSpan.FromMinutes(15));
        using var expired = await person.GetAsync("/identity/me");
        await expired.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
        var fresh = await (await RefreshAsync(person.Tokens.Refresh)).ReadTokensAsync();
        using var me = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", fresh.Access);
        Assert.Equal(HttpStatusCode.OK, me.StatusCode);

        fixture.Time.Advance(TimeSpan.FromDays(14));
        using var tooLate = await RefreshAsync(fresh.Refresh);
        await tooLate.IsProblemAsync(HttpStatusCode.Unauthorized, "refresh_token_invalid");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("x")]
    [InlineData("CfDJ8AAAA")]
    public async Task what_is_no_refresh_token_is_refused(string? token)
    {
        using var response = await RefreshAsync(token);

        await response.IsProblemAsync(HttpStatusCode.Unauthorized, "refresh_token_invalid");
    }

    [Fact]
    public async Task an_access_token_refreshes_nothing_and_a_refresh_token_opens_nothing()
    {
        var person = await fixture.RegisterAsync();

        using var refreshed = await RefreshAsync(person.Tokens.Access);
        using var opened = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", person.Tokens.Refresh);

        await refreshed.IsProblemAsync(HttpStatusCode.Unauthorized, "refresh_token_invalid");
        await opened.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
    }

    [Fact]
    public async Task signing_out_ends_every_session()
    {
        var person = await fixture.RegisterAsync();
        var second = await fixture.Client.SignInAsync(person.Email, AccountsFixture.Password);
        using var before = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", second.Access);
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        using var left = await person.SendAsync(HttpMethod.Post, "/identity/logout");

        Assert.Equal(HttpStatusCode.NoContent, left.StatusCode);
        foreach (var tokens in new[] { person.Tokens, second })
        {
            using var access = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", tokens.Access);
            await access.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
            using var refresh = await RefreshAsync(tokens.Refresh);
            await refresh.IsProblemAsync(HttpStatusCode.Unauthorized, "refresh_token_invalid");
        }

        // A new session is not taken for one of the old.
        var third = await fixture.Client.SignInAsync(person.Email, AccountsFixture.Password);
        using var after = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", third.Access);
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    [Fact]
    public async Task a_new_password_replaces_the_old_one_and_every_session()
    {
        var person = await fixture.RegisterAsync();
        const string next = "another long password";

        using var wrong = await ChangeAsync(person, "not it, sorry", next);
        using var weak = await ChangeAsync(person, AccountsFixture.Password, "short");
        var tokens = await (await ChangeAsync(person, AccountsFixture.Password, next)).ReadTokensAsync();

        Assert.Contains("currentPassword", await wrong.IsProblemAsync(HttpStatusCode.BadRequest, "password_wrong"), StringComparison.Ordinal);
        Assert.Contains("newPassword", await weak.IsProblemAsync(HttpStatusCode.BadRequest, "password_too_short"), StringComparison.Ordinal);
        using var old = await person.GetAsync("/identity/me");
        await old.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
        using var me = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", tokens.Access);
        Assert.Equal(HttpStatusCode.OK, me.StatusCode);
        using var oldPassword = await LoginAsync(person.Email, AccountsFixture.Password);
        await oldPassword.IsProblemAsync(HttpStatusCode.Unauthorized, "credentials_wrong");
        await fixture.Client.SignInAsync(person.Email, next);
    }

    [Fact]
    public async Task tokens_are_good_on_another_instance_which_notices_a_sign_out_within_five_seconds()
    {
        await using var other = fixture.CreateApi();
        var elsewhere = await other.CreateReadyClientAsync();
        var person = await fixture.RegisterAsync();

        using var me = await elsewhere.SendAsync(HttpMethod.Get, "/identity/me", person.Tokens.Access);
        Assert.Equal(person.Id, (await me.ReadAsync()).GetProperty("id").GetGuid());
        var fresh = await (await elsewhere.PostAsJsonAsync("/identity/refresh", new { refreshToken = person.Tokens.Refresh }, Token)).ReadTokensAsync();
        using var back = await fixture.Client.SendAsync(HttpMethod.Get, "/identity/me", fresh.Access);
        Assert.Equal(HttpStatusCode.OK, back.StatusCode);

        using var left = await person.SendAsync(HttpMethod.Post, "/identity/logout");
        Assert.Equal(HttpStatusCode.NoContent, left.StatusCode);
        fixture.Time.Advance(TimeSpan.FromSeconds(5));
        using var late = await elsewhere.SendAsync(HttpMethod.Get, "/identity/me", fresh.Access);
        await late.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
    }

    private Task<HttpResponseMessage> LoginAsync(string email, string password) =>
        fixture.Client.PostAsJsonAsync("/identity/login", new { email, password }, Token);

    private Task<HttpResponseMessage> RefreshAsync(string? refreshToken) =>
        fixture.Client.PostAsJsonAsync("/identity/refresh", new { refreshToken }, Token);

    private static Task<HttpResponseMessage> ChangeAsync(Person person, string currentPassword, string newPassword) =>
        person.SendAsync(HttpMethod.Post, "/identity/password", new { currentPassword, newPassword });
}
