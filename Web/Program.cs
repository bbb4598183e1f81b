using LlmAspire.ServiceDefaults;
using LlmAspire.ServiceDefaults.Traces;
using LlmAspire.Web.Api;
using LlmAspire.Web.Chat;
using LlmAspire.Web.Conversations;
using LlmAspire.Web.Identity;
using LlmAspire.Web.Identity.External;
using LlmAspire.Web.Layout;
using LlmAspire.Web.Models;
using LlmAspire.Web.Prompts;
using LlmAspire.Web.Reports;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddLayout();
builder.AddApiClient();
builder.AddIdentity();
builder.AddModels();
builder.AddChat();
builder.AddPrompts();
builder.AddReports();

var app = builder.Build();
app.UseExceptionHandler("/error", createScopeForErrors: true);
app.UseStatusPages();
app.UseSecurityHeaders();
app.UseAuthentication();
app.UseAuthorization();
app.UseForms();
app.MapStaticAssets().ExcludeFromTraces();
app.MapPages();
app.MapConversationExport();
app.MapReportExports();
app.MapProviderSignIn();
app.MapDefaultEndpoints();

app.Run();
