using System.Net;
using System.Net.Http.Headers;
using Aspire.Hosting.Testing;
using Microsoft.Playwright;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>People and their organisation, from the first registration to the end of a session.</summary>
public sealed class AccountTests(StackFixture stack, BrowserFixture browser)
{
    [Fact]
    public async Task a_founder_invites_somebody_who_joins_and_can_be_removed()
    {
        var founderMail = BrowserSteps.NewMail();
        var guestMail = BrowserSteps.NewMail();
        await using var founders = await browser.NewContextAsync(stack);
        var founder = await founders.RegisterAsync("/register", founderMail, "Analytical Engines");

        await founder.GotoAsync("/organisation");
        await founder.GetByTestId("invite").ClickAsync();
        var link = await founder.GetByTestId("secret").TextContentAsync();
        Assert.StartsWith(new Uri(stack.Web, "/join?invitation=").ToString(), link);

        await using var guests = await browser.NewContextAsync(stack);
        var guest = await guests.RegisterAsync(link!, guestMail, organisation: null);
        await guest.GotoAsync("/organisation");
        await guest.Locator($"tr[data-email='{founderMail}']").WaitForAsync();
        Assert.Equal(0, await guest.GetByTestId("invite").CountAsync());

        // A link is good for one.
        await using var strangers = await browser.NewContextAsync(stack);
        var stranger = await strangers.FillRegistrationAsync(link!, BrowserSteps.NewMail(), organisation: null);
        await stranger.GetByTestId("form-error").WaitForAsync();

        await founder.ReloadAsync();
        // What was used is open no longer; what is revoked is not either.
        await founder.GetByTestId("invite").ClickAsync();
        await founder.GetByTestId("invitations").GetByText("Revoke").ClickAsync();
        await founder.GetByTestId("invitations").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Detached });
        await founder.Locator($"tr[data-email='{guestMail}']").GetByText("Remove").ClickAsync();
        await founder.GetByRole(AriaRole.Dialog).GetByText("Remove", new LocatorGetByTextOptions { Exact = true }).ClickAsync();
        await founder.Locator($"tr[data-email='{guestMail}']").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Detached });

        // The removed person's page notices by itself, at the next thing that it asks the Api for.
        await guest.GotoAsync("/organisation");
        await guest.GetByTestId("sign-in").WaitForAsync();
    }

    [Fact]
    public async Task a_key_that_was_made_in_the_browser_works_until_it_is_revoked()
    {
        using var patience = BrowserSteps.Patience();
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.RegisterAsync("/register", BrowserSteps.NewMail(), "Key makers");
        await page.GotoAsync("/api-keys");
        await page.GetByTestId("name").FillAsync("pipeline");
        await page.GetByTestId("create-key").ClickAsync();
        var key = await page.GetByTestId("secret").TextContentAsync();

        using var api = new HttpClient { BaseAddress = stack.App.GetEndpoint("api", "http") };
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var models = await api.GetAsync("/llm/models", patience.Token);
        Assert.Equal(HttpStatusCode.OK, models.StatusCode);

        await page.ReloadAsync();
        var row = page.Locator("tr[data-name='pipeline']");
        await row.WaitForAsync();
        Assert.DoesNotContain(key!, await page.ContentAsync());
        await row.GetByText("Revoke").ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByText("Revoke", new LocatorGetByTextOptions { Exact = true }).ClickAsync();
        await row.GetByText("revoked").WaitForAsync();
        using var refused = await api.GetAsync("/llm/models", patience.Token);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task a_new_password_keeps_this_session_and_signing_out_ends_every_tab()
    {
        var mail = BrowserSteps.NewMail();
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.RegisterAsync("/register", mail, "Two tabs");
        var other = await context.NewPageAsync();
        await other.GotoAsync("/");
        await other.GetByTestId("message-input").WaitForAsync();

        await page.GotoAsync("/account");
        await page.GetByTestId("current-password").FillAsync(BrowserSteps.Password);
        await page.GetByTestId("password").FillAsync("other good words");
        await page.GetByTestId("change-password").ClickAsync();
        await page.GetByTestId("done").WaitForAsync();
        await page.ReloadAsync();
        await page.GetByTestId("change-password").WaitForAsync();

        await page.GotoAsync("/sign-out");
        await page.GetByTestId("sign-out").ClickAsync();
        await page.GetByTestId("sign-in").WaitForAsync();
        await other.GetByTestId("sign-in").WaitForAsync();

        await page.GetByTestId("email").FillAsync(mail);
        await page.GetByTestId("password").FillAsync(BrowserSteps.Password);
        await page.GetByTestId("sign-in").ClickAsync();
        await page.GetByTestId("form-error").WaitForAsync();
        await page.GetByTestId("password").FillAsync("other good words");
        await page.GetByTestId("sign-in").ClickAsync();
        await page.GetByTestId("message-input").WaitForAsync();
    }
}
