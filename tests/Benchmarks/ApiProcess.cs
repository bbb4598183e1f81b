using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;

namespace LlmAspire.Benchmarks;

/// <summary>The Api as a process of its own.</summary>
internal sealed class ApiProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;

    /// <summary>Without credentials.</summary>
    private readonly HttpClient _client;

    private ApiProcess(Process process, Uri url)
    {
        _process = process;
        _client = new HttpClient { BaseAddress = url };
    }

    /// <summary>The most that it has had in memory at once, in bytes.</summary>
    public long PeakMemory
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    /// <summary>Where it listens.</summary>
    public Uri Url => _client.BaseAddress!;

    /// <summary>Starts the Api once in development, where it makes the demo accounts.</summary>
    public static async Task MakeDemoAccountsAsync(string connectionString, string spoolFolder)
    {
        await using var _ = await StartAsync(connectionString, spoolFolder);
    }

    /// <param name="settings">More of them; without a gateway among them, what is asked of it must need none.</param>
    public static async Task<ApiProcess> StartAsync(
        string connectionString, string spoolFolder, IEnumerable<KeyValuePair<string, string>>? settings = null)
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
        }.Concat(settings ?? []))
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

    /// <summary>A client with the credentials of a demo account.</summary>
    public async Task<HttpClient> SignInAsync(string user)
    {
        using var answer = await _client.PostAsJsonAsync("/identity/login", new { email = $"{user}@demo.local", password = "Demo-1234!" });
        var tokens = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
        return new HttpClient
        {
            BaseAddress = _client.BaseAddress,
            DefaultRequestHeaders = { Authorization = new("Bearer", tokens.GetProperty("accessToken").GetString()) },
        };
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    internal static int FreePort()
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
                // Without a gateway it is not healthy; who is nobody is told so as soon as there are accounts.
                using var answer = await _client.GetAsync("/conversations", patience.Token);
                if (answer.StatusCode == HttpStatusCode.Unauthorized)
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
