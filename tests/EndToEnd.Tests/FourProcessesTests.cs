using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.Testing;
using Npgsql;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Everything that brings the schema up to date, at once, where there is not even a database.</summary>
public sealed class FourProcessesTests(StackFixture stack)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task two_apis_and_two_workers_started_at_once_become_healthy_and_make_one_schema()
    {
        var one = await stack.App.GetConnectionStringAsync("llm", Cancellation);
        var database = new NpgsqlConnectionStringBuilder(one) { Database = $"four_{Guid.NewGuid():N}" };
        var gateway = stack.App.GetEndpoint("litellm", "http");
        Service[] services = [.. new[] { "Api", "UsageWorker", "Api", "UsageWorker" }.Select(name => new Service(name, database.ConnectionString, gateway))];
        try
        {
            await Task.WhenAll(services.Select(service => service.WaitUntilHealthyAsync()));
            Assert.Equal(await MigrationsAsync(one!), await MigrationsAsync(database.ConnectionString));

            foreach (var service in services)
            {
                await service.TerminateAsync();
                Assert.True(service.ExitCode == 0, service.Output);
                Assert.DoesNotContain("fail: ", service.Output, StringComparison.Ordinal);
                Assert.DoesNotContain("crit: ", service.Output, StringComparison.Ordinal);
            }
        }
        finally
        {
            foreach (var service in services)
            {
                service.Dispose();
            }
        }
    }

    private static async Task<List<string>> MigrationsAsync(string connectionString)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand("SELECT migration_id FROM ledger.migrations ORDER BY 1");
        List<string> migrations = [];
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        while (await reader.ReadAsync(Cancellation))
        {
            migrations.Add(reader.GetString(0));
        }

        Assert.NotEmpty(migrations);
        return migrations;
    }

    /// <summary>A service as a real process.</summary>
    private sealed class Service : IDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

        private readonly Process _process;
        private readonly HttpClient _http = new();
        private readonly ConcurrentQueue<string> _output = new();

        public Service(string project, string connectionString, Uri gateway)
        {
            var folder = Path.GetFullPath(Path.Combine(Projects.AppHost.ProjectPath, "..", project));
            var output = Path.GetRelativePath(Path.Combine(Projects.AppHost.ProjectPath, "..", "tests", "EndToEnd.Tests"), AppContext.BaseDirectory);
            var url = $"http://127.0.0.1:{FreePort()}";
            _http.BaseAddress = new Uri(url);
            var start = new ProcessStartInfo("dotnet", [Path.Combine(folder, output, $"{project}.dll")])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = folder,
            };
            start.Environment["ASPNETCORE_URLS"] = url;
            start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
            start.Environment["ConnectionStrings__llm"] = connectionString;
            start.Environment["LLM_BASE_URL"] = gateway.ToString();
            start.Environment["LLM_API_KEY"] = "sk-end-to-end";
            _process = Process.Start(start)!;
            _process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
            _process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
        }

        public string Output => string.Join('\n', _output);

        public int ExitCode => _process.ExitCode;

        public async Task WaitUntilHealthyAsync()
        {
            var since = Stopwatch.GetTimestamp();
            while (!await IsHealthyAsync())
            {
                Assert.False(_process.HasExited, Output);
                Assert.True(Stopwatch.GetElapsedTime(since) < Patience, Output);
                await Task.Delay(50, Cancellation);
            }
        }

        public async Task TerminateAsync()
        {
            using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            patience.CancelAfter(Patience);
            await _process.WaitForExitAsync(patience.Token);
        }

        public void Dispose()
        {
            if (!_process.HasExited)
            {
                _process.Kill();
            }

            _process.Dispose();
            _http.Dispose();
        }

        private async Task<bool> IsHealthyAsync()
        {
            try
            {
                return (await _http.GetAsync(new Uri("/health", UriKind.Relative), Cancellation)).IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }

        private static int FreePort()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
    }
}
