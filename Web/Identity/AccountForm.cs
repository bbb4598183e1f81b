using LlmAspire.Web.Api;
using Microsoft.AspNetCore.Components.Forms;

namespace LlmAspire.Web.Identity;

/// <summary>A form about accounts on a static page: shows the Api's refusals beside the fields that they are about.</summary>
internal sealed class AccountForm
{
    private readonly ValidationMessageStore _messages;

    public AccountForm(object model)
    {
        Edit = new EditContext(model);
        _messages = new ValidationMessageStore(Edit);
    }

    public EditContext Edit { get; }

    /// <summary>What is wrong with the form as a whole.</summary>
    public string? Error { get; private set; }

    public void Show(ApiException exception)
    {
        var words = AccountWords.For(exception);
        if (words.Field is { } field && Edit.Model.GetType().GetProperty(field) is not null)
        {
            _messages.Add(Edit.Field(field), words.Text);
        }
        else
        {
            Error = words.Text;
        }
    }
}
