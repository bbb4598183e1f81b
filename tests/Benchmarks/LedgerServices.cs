using LlmAspire.Usage;
using LlmAspire.UsageWorker.Ingestion;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace LlmAspire.Benchmarks;

/// <summary>The Api's writers and the worker's ingestion, as these services have them, in this process.</summary>
internal sealed class LedgerServices : IAsyncDisposable
{
    private readonly IHost _api;
    private readonly IHost _worker;

    private LedgerServices(IHost api, IHost worker) => (_api, _worker) = (api, worker);

    public IUsageEventWriter Writer => _api.Services.GetRequiredService<IUsageEventWriter>();

    public ICallOpener Opener => _api.Services.GetRequiredService<ICallOpener>();

    public NpgsqlDataSource Source => _api.Services.GetRequiredService<NpgsqlDataSource>();

    public static async Task<LedgerServices> StartAsync(string connectionString, string spoolFolder)
    {
        var api = Host.CreateEmptyApplicationBuilder(null);
        api.Configuration["ConnectionStrings:llm"] = connectionString;
        api.Configuration["Spool:Directory"] = spoolFolder;
        // What is measured is PostgreSQL: nothing may go into the spool when the machine is slow.
        api.Configuration["Usage:PostgresPatience"] = "00:01:00";
        api.AddLedger();
        api.AddUsageWriters();

        var worker = Host.CreateEmptyApplicationBuilder(null);
        worker.Configuration["ConnectionStrings:llm"] = connectionString;
        worker.AddLedger();
        worker.AddIngestion();

        var services = new LedgerServices(api.Build(), worker.Build());
        foreach (var host in new[] { services._api, services._worker })
        {
            await host.StartAsync();
            await host.Services.GetRequiredService<ILedgerReadiness>().WhenReadyAsync(CancellationToken.None);
        }

        return services;
    }

    public async ValueTask DisposeAsync()
    {
        await _api.StopAsync();
        await _worker.StopAsync();
        _api.Dispose();
        _worker.Dispose();
    }
}
