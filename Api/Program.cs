using LlmAspire.Api;
using LlmAspire.Api.Chat;
using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.OpenAi;
using LlmAspire.Api.Prompts;
using LlmAspire.Api.Reports;
using LlmAspire.Api.Retention;
using LlmAspire.Api.Tools;
using LlmAspire.ServiceDefaults;
using LlmAspire.Usage;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddLedger();
builder.AddUsageWriters();
builder.AddOpenAi();
builder.AddHttpDefaults();
builder.AddAccounts();
builder.AddLlm();
builder.AddTools();
builder.AddChat();
builder.AddPrompts();
builder.AddReports();
builder.AddRetention();

var app = builder.Build();
app.UseOpenAi();
app.UseAccountsReadiness();
app.UseHttpDefaults();
app.UseGatewayReadiness();
app.MapApi();
app.MapOpenApi().AllowAnonymous();
app.MapDefaultEndpoints();

app.Run();
