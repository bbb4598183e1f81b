using System.Diagnostics;
using System.Reflection;

namespace LlmAspire.Benchmarks;

/// <summary>A process that a benchmark needs beside the Api: the demo gateway, or this program with another command.</summary>
internal sealed class HelperProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Process _process;

    private HelperProcess(Process process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    public static Task<HelperProcess> StartGatewayAsync(string key, string servedPath) => StartAsync(
        Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "service:DemoGateway").Value!,
        _ => [],
        new Dictionary<string, string> { ["LITELLM_MASTER_KEY"] = key, ["Gateway__ServedPath"] = servedPath });

    public static Task<HelperProcess> StartProxyAsync(Uri target) => StartAsync(
        Assembly.GetExecutingAssembly().Location, url => [BareProxy.Command, url.ToString(), target.ToString()], new Dictionary<string, string>());

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static async Task<HelperProcess> StartAsync(string assembly, Func<Uri, string[]> arguments, Dictionary<string, string> settings)
    {
        var url = new Uri($"http://127.0.0.1:{ApiProcess.FreePort()}");
        var start = new ProcessStartInfo("dotnet", [assembly, .. arguments(url)]) { WorkingDirectory = Path.GetDirectoryName(assembly), RedirectStandardOutput = true };
        settings["ASPNETCORE_URLS"] = url.ToString();
        settings["Logging__LogLevel__Default"] = "None";
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        var helper = new HelperProcess(process, url);
        using var client = new HttpClient { BaseAddress = url };
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                using var _ = await client.GetAsync("/health/readiness", patience.Token);
                return helper;
            }
            catch (HttpRequestException) when (!process.HasExited)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), patience.Token);
            }
        }
    }
}
