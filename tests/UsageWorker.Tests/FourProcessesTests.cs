using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using LlmAspire.TestPostgres;
using LlmAspire.UsageWorker.Ingestion;
using Npgsql;

namespace LlmAspire.UsageWorker.Tests;

public class FourProcessesTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task four_workers_started_at_once_on_an_empty_server_become_healthy_and_make_one_schema()
    {
        var connectionString = await postgres.ReserveDatabaseAsync();
        var workers = Enumerable.Range(0, 4).Select(_ => new Worker(connectionString)).ToArray();
        try
        {
            await Task.WhenAll(workers.Select(worker => worker.WaitUntilHealthyAsync()));
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var migrations = source.CreateCommand("SELECT count(*) FROM ledger.migrations");
            Assert.Equal(1L, await migrations.ExecuteScalarAsync(Cancellation));

            foreach (var worker in workers)
            {
                await worker.TerminateAsync();
                Assert.True(worker.ExitCode == 0, worker.Output);
                Assert.DoesNotContain("fail: ", worker.Output, StringComparison.Ordinal);
                Assert.DoesNotContain("crit: ", worker.Output, StringComparison.Ordinal);
            }
        }
        finally
        {
            foreach (var worker in workers)
            {
                worker.Dispose();
            }
        }
    }

    /// <summary>A worker as a real process.</summary>
    private sealed class Worker : IDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

        private readonly Process _process;
        private readonly HttpClient _http = new();
        private readonly ConcurrentQueue<string> _output = new();

        public Worker(string connectionString)
        {
            var url = $"http://127.0.0.1:{FreePort()}";
            _http.BaseAddress = new Uri(url);
            var start = new ProcessStartInfo("dotnet", [typeof(IngestionExtensions).Assembly.Location])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = AppContext.BaseDirectory,
            };
            start.Environment["ASPNETCORE_URLS"] = url;
            start.Environment["ConnectionStrings__llm"] = connectionString;
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
