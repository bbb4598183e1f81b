using LlmAspire.Web.Api;
using LlmAspire.Web.Identity;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Web.Tests.Identity;

public sealed class SessionTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private FakeApi _api = null!;
    private HttpClient _http = null!;
    private IdentityClient _identity = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _api = await FakeApi.StartAsync();
        _http = new HttpClient { BaseAddress = _api.Address };
        _identity = new IdentityClient(_http, _time);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _api.DisposeAsync();
    }

    [Fact]
    public async Task a_token_that_is_good_for_a_while_is_used_as_it_is()
    {
        var (session, ticket) = await SignInAsync();

        Assert.Equal(ticket, await session.GetAsync(Token));
        Assert.Equal(0, _api.Accounts.Refreshes);
    }

    [Fact]
    public async Task all_who_need_a_new_token_wait_for_one_refresh()
    {
        var (session, ticket) = await SignInAsync();
        var gate = new TaskCompletionSource();
        _api.Accounts.RefreshGate = gate.Task;
        _time.Advance(TimeSpan.FromMinutes(14.5));

        var waiting = Enumerable.Range(0, 20).Select(_ => session.GetAsync(Token).AsTask())
            .Concat(Enumerable.Range(0, 20).Select(_ => session.RefreshAsync(ticket.Access, Token))).ToList();
        Assert.All(waiting, one => Assert.False(one.IsCompleted));
        gate.SetResult();

        Assert.All(await Task.WhenAll(waiting), fresh => Assert.Equal("access-2", fresh?.Access));
        Assert.Equal(1, _api.Accounts.Refreshes);
    }

    [Fact]
    public async Task a_token_that_was_refused_late_is_not_refreshed_again()
    {
        var (session, ticket) = await SignInAsync();
        await session.RefreshAsync(ticket.Access, Token);

        Assert.Equal("access-2", (await session.RefreshAsync(ticket.Access, Token))?.Access);
        Assert.Equal(1, _api.Accounts.Refreshes);
    }

    [Fact]
    public async Task who_goes_away_leaves_the_refresh_to_the_others()
    {
        var (session, ticket) = await SignInAsync();
        var gate = new TaskCompletionSource();
        _api.Accounts.RefreshGate = gate.Task;
        using var impatient = new CancellationTokenSource();

        var first = session.RefreshAsync(ticket.Access, impatient.Token);
        var second = session.RefreshAsync(ticket.Access, Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        gate.SetResult();

        Assert.Equal("access-2", (await second)?.Access);
    }

    [Fact]
    public async Task a_refused_refresh_ends_the_session_once()
    {
        var (session, ticket) = await SignInAsync();
        var ends = 0;
        session.Ended += () => ends++;
        _api.Accounts.Revoked = true;

        Assert.Null(await session.RefreshAsync(ticket.Access, Token));
        Assert.Null(await session.GetAsync(Token));
        Assert.Null(await session.RefreshAsync(ticket.Access, Token));
        Assert.Equal(1, ends);
        Assert.Equal(1, _api.Accounts.Refreshes);
    }

    [Fact]
    public async Task an_api_that_is_away_ends_no_session()
    {
        var (session, ticket) = await SignInAsync();
        session.Ended += () => Assert.Fail("It ended.");
        _api.Accounts.Broken = StatusCodes.Status503ServiceUnavailable;

        await Assert.ThrowsAsync<ApiException>(() => session.RefreshAsync(ticket.Access, Token));

        _api.Accounts.Broken = null;
        Assert.Equal("access-2", (await session.RefreshAsync(ticket.Access, Token))?.Access);
    }

    [Fact]
    public async Task a_new_password_wins_over_a_refresh_that_is_under_way()
    {
        var (session, ticket) = await SignInAsync();
        var gate = new TaskCompletionSource();
        _api.Accounts.RefreshGate = gate.Task;
        _api.Accounts.Revoked = true;
        var refresh = session.RefreshAsync(ticket.Access, Token);
        var changed = new SessionTicket("access-new", "refresh-new", _time.GetUtcNow().AddMinutes(15));
        session.Replace(changed);
        gate.SetResult();

        Assert.Equal(changed, await refresh);
        Assert.Equal(changed, await session.GetAsync(Token));
    }

    [Fact]
    public async Task the_cookie_of_another_process_brings_younger_tokens_and_no_older_ones()
    {
        using var store = new SessionStore(_identity, _time);
        var ticket = await _identity.LoginAsync(FakeAccounts.Email, FakeAccounts.Password, null, Token);
        var session = store.Open("one", ticket, null);
        var younger = ticket with { Access = "younger", ExpiresAt = ticket.ExpiresAt.AddMinutes(1) };

        Assert.Same(session, store.Open("one", younger, null));
        Assert.Equal(younger, await session.GetAsync(Token));
        store.Open("one", ticket, null);
        Assert.Equal(younger, await session.GetAsync(Token));
        Assert.NotSame(session, store.Open("two", ticket, null));
    }

    private async Task<(Session Session, SessionTicket Ticket)> SignInAsync()
    {
        var ticket = await _identity.LoginAsync(FakeAccounts.Email, FakeAccounts.Password, null, Token);
        return (new Session(ticket, null, _identity, _time), ticket);
    }
}
