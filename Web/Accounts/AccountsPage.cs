using LlmAspire.Web.Api;
using LlmAspire.Web.Identity;
using Microsoft.AspNetCore.Components;

namespace LlmAspire.Web.Accounts;

/// <summary>A page that shows something of the Api and changes it: one action at a time, and what went wrong in words.</summary>
public abstract class AccountsPage : ComponentBase
{
    [Inject]
    protected AccountsClient Accounts { get; private set; } = null!;

    /// <summary>What went wrong with the last action; null when nothing did.</summary>
    protected AccountWords? Wrong { get; private set; }

    /// <summary>Whether an action is under way: then nothing else can be clicked.</summary>
    protected bool Busy { get; private set; }

    protected override Task OnInitializedAsync() => TryAsync(LoadAsync);

    protected abstract Task LoadAsync();

    protected Task ReloadAsync() => TryAsync(LoadAsync);

    /// <returns>Whether it went well.</returns>
    protected async Task<bool> TryAsync(Func<Task> action)
    {
        if (Busy)
        {
            return false; // a second click was under way
        }

        Busy = true;
        Wrong = null;
        try
        {
            await action();
            return true;
        }
        catch (ApiException exception)
        {
            Wrong = AccountWords.For(exception);
            return false;
        }
        finally
        {
            Busy = false;
        }
    }

    /// <summary>What is wrong with one field; null when it is fine.</summary>
    protected string? WrongWith(string field) => Wrong?.Field == field ? Wrong.Text : null;

    /// <summary>What is wrong with none of the page's fields.</summary>
    protected string? WrongBut(params ReadOnlySpan<string> fields) => Wrong is { } wrong && !fields.Contains(wrong.Field) ? wrong.Text : null;
}
