using LlmAspire.ServiceDefaults;
using LlmAspire.Web.Api;
using LlmAspire.Web.Chat;
using LlmAspire.Web.Conversations;
using LlmAspire.Web.Identity;
using LlmAspire.Web.Identity.External;
using LlmAspire.Web.Layout;
using LlmAspire.Web.Models;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddLayout();
builder.AddApiClient();
builder.AddIdentity();
builder.AddModels();
builder.AddChat();

var app = builder.Build();
app.UseExceptionHandler("/error", createScopeForErrors: true);
app.UseStatusPages();
app.UseSecurityHeaders();
if (!app.Environment.IsDevelopment())
{
    app.UseHsts();
}

app.UseAuthentication();
app.UseAuthorization();
app.UseForms();
app.MapStaticAssets();
app.MapPages();
app.MapConversationExport();
app.MapProviderSignIn();
app.MapDefaultEndpoints();

app.Run();
