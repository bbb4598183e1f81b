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

        private readonly Process process;
        private readonly HttpClient http = new();
        private readonly ConcurrentQueue<string> output = new();

        public Worker(string connectionString)
        {
            var url = $"http://127.0.0.1:{FreePort()}";
            http.BaseAddress = new Uri(url);
            var start = new ProcessStartInfo("dotnet", [typeof(IngestionExtensions).Assembly.Location])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = AppContext.BaseDirectory,
            };
            start.Environment["ASPNETCORE_URLS"] = url;
            start.Environment["ConnectionStrings__llm"] = connectionString;
            process = Process.Start(start)!;
            process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
            process.ErrorDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        public string Output => string.Join('\n', output);

        public int ExitCode => process.ExitCode;

        public async Task WaitUntilHealthyAsync()
        {
            var since = Stopwatch.GetTimestamp();
            while (!await IsHealthyAsync())
            {
                Assert.False(process.HasExited, Output);
                Assert.True(Stopwatch.GetElapsedTime(since) < Patience, Output);
                await Task.Delay(50, Cancellation);
            }
        }

        public async Task TerminateAsync()
        {
            using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            patience.CancelAfter(Patience);
            await process.WaitForExitAsync(patience.Token);
        }

        public void Dispose()
        {
            if (!process.HasExited)
            {
                process.Kill();
            }

            process.Dispose();
            http.Dispose();
        }

        private async Task<bool> IsHealthyAsync()
        {
            try
            {
                return (await http.GetAsync(new Uri("/health", UriKind.Relative), Cancellation)).IsSuccessStatusCode;
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
