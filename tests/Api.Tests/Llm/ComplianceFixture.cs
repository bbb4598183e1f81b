using System.Collections.Concurrent;
using LlmAspire.Api.Llm;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Llm;

/// <summary>The demo gateway with its faults, PostgreSQL, and the Api twice: one that cancels what is stopped, one that drains it.</summary>
public sealed class ComplianceFixture : IAsyncLifetime
{
    private readonly DemoGatewayServer _gateway = new();
    private readonly ConcurrentBag<Finding> _findings = [];
    private ApiFactory? _cancelling;
    private ApiFactory? _draining;
    private UsageIngestion? _ingestion;

    /// <summary>The gateway itself, with its key.</summary>
    public HttpClient Gateway => _gateway.Client;

    public async ValueTask InitializeAsync()
    {
        var ledger = await PostgresFixture.Shared.CreateDatabaseAsync();
        _cancelling = await StartApiAsync(ledger, OnStop.Cancel);
        _draining = await StartApiAsync(ledger, OnStop.Drain);
        _ingestion = ActivatorUtilities.CreateInstance<UsageIngestion>(_cancelling.Services);
    }

    /// <summary>The services of the Api that does this with what is stopped.</summary>
    public IServiceProvider Api(OnStop onStop) => (onStop == OnStop.Drain ? _draining! : _cancelling!).Services;

    /// <summary>A demo account's client of the Api that does this with what is stopped.</summary>
    internal Task<HttpClient> SignInAsync(OnStop onStop, string user) => (onStop == OnStop.Drain ? _draining! : _cancelling!).CreateSignedInClientAsync(user);

    internal Task<List<UsageRow>> RowsAsync(CallContext context) => RowsAsync(context.RequestId);

    /// <summary>The rows of a request.</summary>
    internal async Task<List<UsageRow>> RowsAsync(Guid requestId)
    {
        while (await _ingestion!.IngestAsync(500, TestContext.Current.CancellationToken) is { Taken: > 0 })
        {
        }

        await using var scope = _cancelling!.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<LedgerContext>().Usage.AsNoTracking()
            .Where(row => row.RequestId == requestId).ToListAsync(TestContext.Current.CancellationToken);
    }

    internal Task<Served> ServedAsync(Guid callId) => _gateway.ServedAsync(callId);

    public Task ReleaseAsync(string hold) => _gateway.ReleaseAsync(hold);

    /// <summary>Into the table of all cases, and into the output of this one.</summary>
    internal void Report(Finding finding, ITestOutputHelper output)
    {
        _findings.Add(finding);
        output.WriteLine($"{finding.Source}: {finding.Served} tokens served, {finding.Recorded} in the ledger, {finding.Served - finding.Recorded} short.");
    }

    public async ValueTask DisposeAsync()
    {
        await WriteReportAsync();
        if (_cancelling is not null && _draining is not null)
        {
            await _cancelling.DisposeAsync();
            await _draining.DisposeAsync();
        }

        await _gateway.DisposeAsync();
    }

    private async Task<ApiFactory> StartApiAsync(string ledger, OnStop onStop)
    {
        var api = new ApiFactory(_gateway.BaseUrl) { Ledger = ledger, Settings = { ["Usage:OnStop"] = onStop.ToString() } };
        using var client = await api.CreateReadyClientAsync();
        return api;
    }

    /// <summary>The shortfall of estimates against what was served, beside the test assembly.</summary>
    private async Task WriteReportAsync()
    {
        if (_findings.IsEmpty)
        {
            return;
        }

        var lines = _findings.GroupBy(finding => (finding.Shape, finding.Alias, finding.Ending, finding.OnStop, finding.Source)).Select(group => (group.Key, Line:
            $"| {group.Key.Shape} | {group.Key.Alias} | {group.Key.Ending} | {group.Key.OnStop} | {group.Count()} | {group.Key.Source} | {group.Sum(one => one.Served)} | {group.Sum(one => one.Recorded)} | {group.Sum(one => one.Served - one.Recorded)} |"));
        var folder = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "TestResults"));
        await File.WriteAllLinesAsync(Path.Combine(folder.FullName, "compliance.md"),
        [
            "| shape | alias | ending | OnStop | calls | source | tokens served | in the ledger | shortfall |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            .. lines.OrderBy(line => line.Key.ToString(), StringComparer.Ordinal).Select(line => line.Line),
        ]);
    }
}

/// <summary>One case, for the report. Tokens are prompt and completion together.</summary>
internal sealed record Finding(string Shape, string Alias, Ending Ending, OnStop OnStop, UsageSource Source, long Served, long Recorded);
