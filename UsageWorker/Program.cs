using LlmAspire.ServiceDefaults;
using LlmAspire.Usage;
using LlmAspire.UsageWorker.Backlog;
using LlmAspire.UsageWorker.Commands;
using LlmAspire.UsageWorker.Ingestion;
using LlmAspire.UsageWorker.Prices;
using LlmAspire.UsageWorker.Reconciliation;
using LlmAspire.UsageWorker.Retention;
using LlmAspire.UsageWorker.Rollups;
using LlmAspire.UsageWorker.Sweeping;

if (LedgerCommand.IsNamedIn(args))
{
    return await LedgerCommand.RunAsync(args);
}

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddLedger();
builder.AddIngestion();
builder.AddSweeping();
builder.AddRetention();
builder.AddRollups();
builder.AddPriceSync();
builder.AddReconciliation();
builder.AddBacklog();

var app = builder.Build();
app.MapDefaultEndpoints();

await app.RunAsync();
return 0;
