using LlmAspire.ServiceDefaults;
using LlmAspire.Web.Api;
using LlmAspire.Web.Chat;
using LlmAspire.Web.Layout;
using LlmAspire.Web.Models;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddLayout();
builder.AddApiClient();
builder.AddModels();
builder.AddChat();

var app = builder.Build();
app.UseExceptionHandler("/error", createScopeForErrors: true);
app.UseStatusCodePagesWithReExecute("/not-found", createScopeForStatusCodePages: true);
app.UseContentSecurityPolicy();
app.UseAntiforgery();
app.MapStaticAssets();
app.MapRazorComponents<App>().AddInteractiveServerRenderMode();
app.MapDefaultEndpoints();

app.Run();
