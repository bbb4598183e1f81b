using LlmAspire.Api.Chat;
using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Models;
using LlmAspire.ServiceDefaults;
using LlmAspire.Usage;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddLedger();
builder.AddUsageWriters();
builder.AddHttpDefaults();
builder.AddDevelopmentIdentity();
builder.AddLlm();
builder.AddChat();

var app = builder.Build();
app.UseHttpDefaults();
app.UseGatewayReadiness();

var business = app.MapGroup("").RequireAuthorization().RequireGateway();
business.MapModelsApi();
business.MapChatApi();
app.MapOpenApi();
app.MapDefaultEndpoints();

app.Run();
