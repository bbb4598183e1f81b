using Bunit;
using LlmAspire.Web.Accounts;
using LlmAspire.Web.Identity;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor;
using MudBlazor.Services;

namespace LlmAspire.Web.Tests.Identity;

public sealed class UserMenuTests
{
    [Theory]
    [InlineData("member", false, "/prompts /usage /account /api-keys /organisation /sign-out")]
    [InlineData("admin", false, "/prompts /usage /account /api-keys /organisation /organisation/usage /sign-out")]
    [InlineData("member", true, "/prompts /usage /account /api-keys /organisation /operator/usage /operator/prices /operator/reconciliation /sign-out")]
    public async Task it_leads_to_what_the_person_may_see(string role, bool isOperator, string pages)
    {
        await using var api = await FakeApi.StartAsync();
        (api.Accounts.Role, api.Accounts.IsOperator) = (role, isOperator);

        await AssertPagesAsync(pages, api);
    }

    [Fact]
    public async Task without_an_answer_it_has_what_everybody_may_see()
    {
        await using var api = await FakeApi.StartAsync();
        api.Accounts.Broken = 503;

        await AssertPagesAsync("/prompts /usage /account /api-keys /organisation /sign-out", api);
    }

    private static async Task AssertPagesAsync(string pages, FakeApi api)
    {
        await using var context = new BunitContext();
        context.JSInterop.Mode = JSRuntimeMode.Loose;
        context.AddAuthorization().SetAuthorized(FakeAccounts.Email);
        context.Services.AddMudServices();
        context.Services.AddSingleton(new AccountsClient(NoTokens.Connect(new HttpClient { BaseAddress = api.Address, Timeout = Timeout.InfiniteTimeSpan }, TimeProvider.System), TimeProvider.System));
        var popovers = context.Render<MudPopoverProvider>();
        var menu = context.Render<UserMenu>();
        await menu.InvokeAsync(() => menu.Find("button").ClickAsync(new()));
        popovers.WaitForAssertion(() => Assert.Equal(pages, string.Join(' ', popovers.FindAll("a").Select(link => link.GetAttribute("href")))), TimeSpan.FromSeconds(20));
    }
}
