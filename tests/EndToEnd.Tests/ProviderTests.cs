using LlmAspire.TestAuthority;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>People of an OpenID Connect provider, in a real browser, with an Api and a front end of their own.</summary>
public sealed class ProviderTests(StackFixture stack, BrowserFixture browser)
{
    [Fact]
    public async Task who_signs_in_at_the_provider_chats_and_signs_out_there_too()
    {
        using var patience = BrowserSteps.Patience();
        var person = new AuthorityPerson($"{Guid.NewGuid()}", "engines", "Analytical Engines", Plan: "pro", Email: "ada@engines.example");
        await using var authority = await OpenIdAuthority.StartAsync();
        authority.Put(person);
        var settings = new Dictionary<string, string>(await stack.GetServiceSettingsAsync(patience.Token))
        {
            ["Authentication__Authority"] = authority.Url,
            ["Authentication__Name"] = "Engine House",
            ["Authentication__ClientId"] = "web",
            ["Authentication__Parameters__login_hint"] = person.Subject,
        };
        using var api = new ServiceProcess("Api", settings);
        await api.WaitUntilHealthyAsync();
        using var web = new ServiceProcess("Web", new(settings) { ["services__api__http__0"] = api.Address.ToString() });
        await web.WaitUntilHealthyAsync();

        await using var context = await browser.NewContextAsync(web.Address);
        var page = await context.NewPageAsync();
        await page.GotoAsync("/organisation");
        await page.GetByText("Sign in at Engine House").ClickAsync();

        // Back where the person was turned away; members are the provider's to manage.
        await page.GetByTestId("managed-elsewhere").WaitForAsync();
        Assert.EndsWith("/organisation", page.Url, StringComparison.Ordinal);

        await page.GotoAsync("/");
        await page.GetByTestId("message-input").FillAsync("Hello <<demo length=20 pace=0>>");
        await page.GetByTestId("send").ClickAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        await page.ReloadAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();

        await page.GotoAsync("/sign-out");
        await page.GetByTestId("sign-out").ClickAsync();
        await page.GetByText("Sign in at Engine House").WaitForAsync();
        Assert.Equal(1, authority.SignOuts);
        await page.GotoAsync("/account");
        await page.GetByText("Sign in at Engine House").WaitForAsync();
    }
}
