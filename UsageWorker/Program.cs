using LlmAspire.ServiceDefaults;
using LlmAspire.Usage;
using LlmAspire.UsageWorker.Ingestion;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddLedger();
builder.AddIngestion();

var app = builder.Build();
app.MapDefaultEndpoints();

app.Run();
