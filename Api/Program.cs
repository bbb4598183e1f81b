using LlmAspire.Api.Chat;
using LlmAspire.Api.Conversations;
using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Ledger;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Models;
using LlmAspire.ServiceDefaults;
using LlmAspire.Usage;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddLedger();
builder.AddUsageWriters();
builder.AddHttpDefaults();
builder.AddAccounts();
builder.AddLlm();
builder.AddChat();

var app = builder.Build();
app.UseAccountsReadiness();
app.UseHttpDefaults();
app.UseGatewayReadiness();

var accounts = app.MapGroup("").RequireAuthorization().RequireAccounts();
accounts.MapAccountsApi();
accounts.MapConversationApi();
accounts.MapLedgerApi();
var business = accounts.MapGroup("").RequireGateway();
business.MapModelsApi();
business.MapChatApi();
app.MapOpenApi().AllowAnonymous();
app.MapDefaultEndpoints();

app.Run();
