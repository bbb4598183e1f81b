using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;

namespace LlmAspire.Benchmarks;

/// <summary>The Api as a process of its own, without a gateway: what is asked of it needs none.</summary>
internal sealed class ApiProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;

    private ApiProcess(Process process, Uri url)
    {
        _process = process;
        Client = new HttpClient { BaseAddress = url };
    }

    /// <summary>Its requests are those of <c>pro@demo.local</c>.</summary>
    public HttpClient Client { get; }

    public static async Task<ApiProcess> StartAsync(string connectionString, string spoolFolder)
    {
        var assembly = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "service:Api").Value!;
        var url = new Uri($"http://127.0.0.1:{FreePort()}");
        var start = new ProcessStartInfo("dotnet", [assembly]) { WorkingDirectory = Path.GetDirectoryName(assembly), RedirectStandardOutput = true };
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_URLS"] = url.ToString(),
            ["ConnectionStrings__llm"] = connectionString,
            ["Spool__Directory"] = spoolFolder,
            ["LLM_BASE_URL"] = "http://127.0.0.1:1",
            ["LLM_API_KEY"] = "none",
            ["Logging__LogLevel__Default"] = "None",
        })
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        var api = new ApiProcess(process, url);
        try
        {
            await api.WaitAsync();
            return api;
        }
        catch
        {
            await api.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task WaitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                using var answer = await Client.GetAsync("/conversations", patience.Token);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException) when (!_process.HasExited)
            {
                // It does not listen yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), patience.Token);
        }
    }
}
