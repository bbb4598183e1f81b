using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace LlmAspire.AppHost.Tests;

/// <summary>A stack that cannot run says in one message what is wrong and what to do, and ends with exit code 1.</summary>
public sealed class BadStartTests : IDisposable
{
    private const string RandomPorts = "DcpPublisher:RandomizePorts=true";

    private readonly StackFolder _folder = new();
    private readonly CancellationTokenSource _patience;

    public BadStartTests()
    {
        _patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        _patience.CancelAfter(TimeSpan.FromMinutes(10));
    }

    public void Dispose()
    {
        _patience.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("Stack:Mode=sideways", "Stack:Mode is 'sideways'. Set it to auto, containers or embedded.")]
    [InlineData("Stack:Gateway=sideways", "Stack:Gateway is 'sideways'. Set it to auto, litellm or demo.")]
    [InlineData("Stack:GatewayConfig=/nowhere/config.yaml", "Correct Stack:GatewayConfig")]
    [InlineData("LLM_BASE_URL=localhost", "LLM_BASE_URL is 'localhost', which is no address.")]
    [InlineData("LLM_BASE_URL=http://localhost:4000", "LLM_BASE_URL is set, but LLM_API_KEY is not.")]
    public async Task a_setting_that_cannot_work_is_told(string setting, string message) =>
        Assert.Contains(message, await StartInVainAsync([], setting, RandomPorts), StringComparison.Ordinal);

    [Fact]
    public async Task containers_without_a_runtime_are_told() => Assert.Contains(
        "Stack:Mode is containers, but no-such-runtime is not installed. Install Docker or Podman, or set Stack:Mode=embedded.",
        await StartInVainAsync([new("ASPIRE_CONTAINER_RUNTIME", "no-such-runtime")], "Stack:Mode=containers", RandomPorts),
        StringComparison.Ordinal);

    [Fact]
    public async Task a_gateway_that_does_not_answer_is_told_at_once()
    {
        var port = FreePort();

        Assert.Contains(
            $"Nothing answers at LLM_BASE_URL, http://127.0.0.1:{port}",
            await StartInVainAsync([], $"LLM_BASE_URL=http://127.0.0.1:{port}", "LLM_API_KEY=sk-test", RandomPorts),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model_list: 5\n", "line 1: model_list is not a list of models")]
    [InlineData("model_list:\n  - model_name: chat-default\n    litellm_params: [\n", "Correct that line")]
    public async Task a_gateway_configuration_that_cannot_be_used_is_told_with_its_line(string yaml, string message)
    {
        var config = Path.Combine(_folder.Path, "config.yaml");
        await File.WriteAllTextAsync(config, yaml, _patience.Token);

        Assert.Contains(message, await StartInVainAsync([], $"Stack:GatewayConfig={config}", RandomPorts), StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_port_of_a_service_that_is_taken_is_told_with_the_file_that_names_it()
    {
        using var squatter = new TcpListener(IPAddress.Loopback, 5300);
        try
        {
            squatter.Start();
        }
        catch (SocketException)
        {
            // Taken already: just as well.
        }

        Assert.Matches(
            @"Port \d+, which '[a-z-]+' needs, is taken by another program\. Stop that program .* or change the port in \S+/launchSettings\.json\.",
            await StartInVainAsync([], "Stack:Gateway=demo"));
    }

    [Fact]
    public async Task a_port_of_the_dashboard_that_is_taken_is_told()
    {
        using var squatter = new TcpListener(IPAddress.IPv6Loopback, 0);
        squatter.Start();
        var address = $"http://localhost:{((IPEndPoint)squatter.LocalEndpoint).Port}";

        Assert.Contains(
            "which the dashboard needs, is taken by another program",
            await StartInVainAsync([new("ASPNETCORE_URLS", address)], "Stack:Gateway=demo"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_home_that_cannot_be_written_is_told()
    {
        var file = Path.Combine(_folder.Path, "no-folder");
        await File.WriteAllTextAsync(file, "", _patience.Token);

        Assert.Contains(
            "cannot be written",
            await StartInVainAsync([new("HOME", file), new("USERPROFILE", file)], RandomPorts),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_data_folder_that_cannot_be_written_is_told()
    {
        var file = Path.Combine(_folder.Path, "no-folder");
        await File.WriteAllTextAsync(file, "", _patience.Token);

        Assert.Contains(
            "Set Stack:DataDirectory to a folder that you can write.",
            await StartInVainAsync([], RandomPorts, $"Stack:DataDirectory={file}"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task publishing_to_nothing_is_told_instead_of_called_a_success() => Assert.Contains(
        "Nothing to publish to: the AppHost names no compute environment.",
        await StartInVainAsync([], "--operation", "publish"),
        StringComparison.Ordinal);

    [Fact]
    public async Task a_resource_that_ends_is_told_with_its_last_lines()
    {
        var output = await StartInVainAsync([new("Postgres__BinDirectory", "/nowhere")], "Stack:Mode=embedded", "Stack:Gateway=demo", RandomPorts);

        Assert.Contains("postgres ended with exit code 2. Its last lines:", output, StringComparison.Ordinal);
        Assert.Contains("Postgres:BinDirectory is '/nowhere'", output, StringComparison.Ordinal);
        Assert.Contains("Correct what that says, then start again.", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_service_that_throws_while_it_starts_is_told_with_what_it_threw()
    {
        var output = await StartInVainAsync([new("Usage__OnStop", "Sideways")], "Stack:Mode=embedded", "Stack:Gateway=demo", "Stack:HealthPatience=00:05:00", RandomPorts);

        Assert.Matches(@"api ended with exit code \d+\. Its last lines:", output);
        Assert.Contains("Sideways", output, StringComparison.Ordinal);
    }

    /// <summary>
    /// The gateway answers, so the start goes on; but it has no models, so the Api never can. The patience is long enough for what does become healthy on a
    /// machine that has much else to do.
    /// </summary>
    [Fact]
    public async Task a_resource_that_runs_and_does_not_become_healthy_is_told_with_what_its_health_says()
    {
        using var gateway = new HttpListener();
        var port = FreePort();
        gateway.Prefixes.Add($"http://127.0.0.1:{port}/");
        gateway.Start();
        var answering = AnswerAsync(gateway);

        var output = await StartInVainAsync([], $"LLM_BASE_URL=http://127.0.0.1:{port}", "LLM_API_KEY=sk-test", "Stack:Mode=embedded", "Stack:HealthPatience=00:02:00", RandomPorts);

        Assert.True(Regex.IsMatch(output, @"api runs, but is not healthy after 120 s: \S.*gateway"), output);
        gateway.Stop();
        await answering;
    }

    [Fact]
    public async Task a_stop_before_everything_is_ready_is_told_with_what_was_not()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no signals.");
        await using var appHost = Start([], "Stack:Mode=embedded", "Stack:Gateway=demo", "Stack:HealthPatience=00:05:00", RandomPorts);
        await appHost.WaitForLineAsync("postgres     ready", _patience.Token);

        appHost.Signal(AppHostProcess.IgnoresInterrupt ? AppHostProcess.Terminate : AppHostProcess.Interrupt);
        await appHost.WaitForExitAsync(_patience.Token);

        Assert.Equal(1, appHost.ExitCode);
        Assert.Matches(@"Stopping before everything was ready\. Not ready: .*web\.", appHost.Output);
        Assert.DoesNotContain("   at ", appHost.Output, StringComparison.Ordinal);
        await WaitUntilGoneAsync(appHost);
    }

    private static async Task AnswerAsync(HttpListener gateway)
    {
        try
        {
            while (true)
            {
                var call = await gateway.GetContextAsync();
                call.Response.StatusCode = 500;
                call.Response.Close();
            }
        }
        catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private AppHostProcess Start(KeyValuePair<string, string?>[] environment, params string[] args) =>
        AppHostProcess.Start(environment, [.. _folder.Arguments, .. args]);

    /// <returns>What was printed.</returns>
    private async Task<string> StartInVainAsync(KeyValuePair<string, string?>[] environment, params string[] args)
    {
        await using var appHost = Start(environment, args);
        await appHost.WaitForExitAsync(_patience.Token);

        Assert.Equal(1, appHost.ExitCode);
        Assert.DoesNotContain("   at ", appHost.Output, StringComparison.Ordinal);
        await WaitUntilGoneAsync(appHost);

        return appHost.Output;
    }

    private async Task WaitUntilGoneAsync(AppHostProcess appHost)
    {
        if (OperatingSystem.IsLinux())
        {
            await appHost.WaitUntilGoneAsync(_patience.Token);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
