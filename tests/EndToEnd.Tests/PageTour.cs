using Microsoft.Playwright;
using Npgsql;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Walks through the pages in all that they can show, and has each looked at.</summary>
/// <param name="look">Takes the name of what is shown.</param>
internal sealed class PageTour(IPage page, Func<IPage, string, Task> look)
{
    /// <summary>For who is not signed in.</summary>
    public async Task SeeEntranceAsync()
    {
        await SeeAsync("sign-in", "/sign-in", "sign-in");
        await SeeAsync("register", "/register", "register");
        await page.GotoAsync("/not-found");
        await look(page, "not-found");
    }

    /// <summary>The settings of an admin.</summary>
    public async Task SeeSettingsAsync()
    {
        await SeeAsync("account", "/account", "change-password");
        await SeeAsync("organisation", "/organisation", "members");
        await SeeAsync("api-keys-none", "/api-keys", "api-examples");
        await page.GetByTestId("name").FillAsync("nightly build");
        await page.GetByTestId("create-key").ClickAsync();
        await page.GetByTestId("secret").WaitForAsync();
        await look(page, "api-key-new");
        foreach (var language in (string[])["Python", "JavaScript", "C#"])
        {
            await page.GetByTestId("api-examples").GetByRole(AriaRole.Tab, new() { Name = language }).ClickAsync();
        }

        await look(page, "api-keys-csharp");
    }

    public async Task SeeToolsAsync()
    {
        await SeeAsync("chat-empty", "/", "message-input");
        await page.GetByTestId("tool-picker").GetByRole(AriaRole.Button).ClickAsync();
        foreach (var tool in (string[])["current_time", "calculator"])
        {
            await page.Locator($"[data-tool={tool}]").ClickAsync();
            await page.Locator($"[data-tool={tool}][aria-checked=true]").WaitForAsync();
        }

        await look(page, "tools-menu");
        await page.Keyboard.PressAsync("Escape");
        await page.Locator(".mud-popover-open").WaitForAsync(new() { State = WaitForSelectorState.Hidden });
        await AskAsync("What time is it in Berlin, and what is 12.5 * 8?");
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        await page.Locator("[data-testid=tool-call][data-tool=calculator] summary").ClickAsync();
        await look(page, "tool-cards");
        await AskAsync("Compare tea and coffee in a table, with a C# snippet and a list");
        await page.Locator("[data-testid=answer][data-state=done]").Nth(1).WaitForAsync();
        await look(page, "chat");
    }

    public async Task SeePromptsAsync()
    {
        await SeeAsync("prompts-none", "/prompts", "new-prompt");
        await page.GetByTestId("new-prompt").ClickAsync();
        await page.GetByTestId("open-generator").ClickAsync();
        await page.GetByTestId("prompt-wish").FillAsync("A helper for my bakery that knows the opening times and speaks plainly");
        await look(page, "prompt-generator");
        await page.GetByTestId("write-prompt").ClickAsync();
        await page.GetByTestId("prompt-written").WaitForAsync();
        await page.GetByTestId("prompt-name").FillAsync("Bakery");
        await look(page, "prompt-written");
        await page.GetByTestId("save-prompt").ClickAsync();
        await page.Locator("[data-testid=prompt-versions] [data-version='1']").WaitForAsync();
        await look(page, "prompt-saved");
        await page.GetByTestId("close-panel").ClickAsync();
        await page.GetByTestId("prompts").WaitForAsync();
        await look(page, "prompts");
        await page.GetByTestId("prompts").GetByText("Use in a new chat").First.ClickAsync();
        await page.GetByTestId("prompt-in-use").WaitForAsync();
        await page.GetByTestId("prompt-picker").GetByRole(AriaRole.Button).ClickAsync();
        await page.Locator("[data-prompt-choice]").First.WaitForAsync();
        await look(page, "prompt-menu");
        await page.Keyboard.PressAsync("Escape");
    }

    /// <summary>Of somebody who may ask three models at once.</summary>
    public async Task SeeComparisonsAsync()
    {
        await SeeAsync("compare-empty", "/compare", "compare-model");
        await ChooseAsync("chat-default", "claude-default", "gemini-default");
        await AskAsync("Explain rain, with a table <<demo length=90 pace=0>> <<demo@claude-default error=15>>");
        await page.Locator("[data-testid=compare-answer][data-model=claude-default] [data-testid=answer][data-state=error]").WaitForAsync();
        await page.Locator("[data-testid=compare-cost] [data-figure=costUsd]").Nth(1).WaitForAsync();
        await look(page, "compare");

        await page.GetByTestId("race-mode").CheckAsync();
        await page.GetByTestId("race-length").FillAsync("40");
        await page.GetByTestId("race-words").FillAsync("the");
        await page.GetByTestId("race-pattern").FillAsync("(one|two|three) years?");
        await look(page, "race-choices");
        var hold = $"tour-{Guid.NewGuid():N}";
        await AskAsync($"Explain rain <<demo length=90 pace=0>> <<demo@chat-default hold={hold}a@20>> <<demo@gemini-default hold={hold}b@30>>");
        await page.Locator("[data-testid=race-result] [data-figure=lostTokens]").WaitForAsync();
        await page.Locator("[data-testid=compare-cost] [data-figure=costUsd]").Nth(2).WaitForAsync();
        await look(page, "race");

        await page.Locator("[data-winner] [data-testid=compare-continue]").ClickAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        await page.GetByTestId("compare").ClickAsync();
        await page.GetByTestId("compare-origin").WaitForAsync();
        await look(page, "compare-next");
    }

    /// <summary>Of an organisation with some usage.</summary>
    public async Task SeeUsageAsync()
    {
        await SeeAsync("usage", "/usage", "usage-latency");
        await SeeAsync("usage-of-a-week", "/usage?range=7d", "usage-latency");
        await SeeAsync("organisation-usage", "/organisation/usage", "usage-latency");
        await SeeAsync("calls", "/usage/calls?scope=organisation", "call");
        await page.Locator("[data-testid=call] a").First.ClickAsync();
        await page.GetByTestId("call-story").WaitForAsync();
        await look(page, "call-story");
    }

    /// <summary>Of an operator, of models that have prices.</summary>
    /// <param name="model">Of the registry.</param>
    public async Task SeePricesAsync(string provider, string model)
    {
        var ofModel = $"provider={provider}&model={model}";
        await SeeAsync("operator-usage", "/operator/usage", "usage-latency");
        await SeeAsync("prices", "/operator/prices", "prices");
        await SeeAsync("price-history", $"/operator/prices?show=history&{ofModel}", "price-history");
        await SeeAsync("price-import", "/operator/prices?show=import", "price-file");
        await page.GotoAsync($"/operator/prices?show=edit&{ofModel}");
        await page.GetByTestId("price-of-input").FillAsync("0.0002");
        await page.GetByTestId("price-day").FillAsync(DateTimeOffset.UtcNow.AddDays(-20).Day());
        await page.GetByTestId("preview-prices").ClickAsync();
        await page.GetByTestId("price-effects").WaitForAsync();
        await look(page, "price-editor");
    }

    /// <summary>Of an operator, when something drifts.</summary>
    public async Task SeeReconciliationAsync()
    {
        await SeeAsync("reconciliation", "/operator/reconciliation", "drift");
        await SeeAsync("invoices", "/operator/reconciliation?source=invoice", "invoice-file");
        await SeeAsync("invoices-that-drift", "/operator/reconciliation?source=invoice&only=drift", "invoice-file");
        await page.GotoAsync("/operator/reconciliation");
        await page.Locator("tr[data-above] a").First.ClickAsync();
        await page.GetByTestId("differences").WaitForAsync();
        await look(page, "differences");
    }

    /// <summary>Makes calls of a demo account of which the gateway tells two otherwise, and waits until that was noticed.</summary>
    public async Task MakeDriftAsync(NpgsqlConnection database, CancellationToken cancellationToken)
    {
        await page.ChatAsync("", "spend=+70", "spend=none");
        await database.WaitForAsync("SELECT count(*) >= 2 FROM ledger.reconciliation_difference", cancellationToken);
    }

    private async Task SeeAsync(string name, string address, string awaited)
    {
        await page.GotoAsync(address);
        await page.GetByTestId(awaited).First.WaitForAsync();
        await look(page, name);
    }

    private async Task AskAsync(string message)
    {
        await page.GetByTestId("message-input").FillAsync(message);
        await page.GetByTestId("send").ClickAsync();
    }

    private async Task ChooseAsync(params string[] models)
    {
        foreach (var model in models)
        {
            await page.Locator($"[data-testid=compare-model][data-model-id={model}]").CheckAsync();
        }
    }
}
