using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>What only a process of its own can show: its death, its signals, its exit code.</summary>
public class ProcessTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("demo-gateway-process-");

    private string ServedPath => Path.Combine(_folder.FullName, "served.jsonl");

    [Fact]
    public async Task the_record_survives_sigkill_and_tells_no_less_than_the_client_saw()
    {
        var seen = 0;
        await using (var gateway = await GatewayProcess.StartAsync(ServedPath, new() { ["Gateway__TokensPerSecond"] = "200" }))
        {
            using var client = new HttpClient { BaseAddress = gateway.Address };
            using var response = await StreamAsync(client, "killed");
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
            while (seen < 20 && await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                seen += line.Length > 0 ? 1 : 0;
            }

            await gateway.KillAsync();
            try
            {
                while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
                {
                    seen += line.Length > 0 ? 1 : 0;
                }
            }
            catch (IOException)
            {
                // The connection was cut; what had arrived before counts.
            }
        }

        await using var next = await GatewayProcess.StartAsync(ServedPath, new() { ["Gateway__TokensPerSecond"] = "0" });
        using var again = new HttpClient { BaseAddress = next.Address };
        using var after = await StreamAsync(again, "after");
        await after.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var served = JsonNode.Parse(await again.GetStringAsync(new Uri("/_demo/served", UriKind.Relative), TestContext.Current.CancellationToken))!["data"]!.AsArray();

        Assert.Equal(["killed", "after"], served.Select(call => (string?)call!["call_id"]));
        Assert.Equal("completed", (string?)served[1]!["outcome"]);
        Assert.False((bool?)served[0]!["finished"]);
        // Never less; more only by what was on its way through the server when the process died.
        Assert.InRange((int)served[0]!["completion_tokens"]!, seen, seen + 10);
    }

    [Fact]
    public async Task sigterm_lets_a_running_stream_finish()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no SIGTERM.");
        await using var gateway = await GatewayProcess.StartAsync(ServedPath, new() { ["Gateway__TokensPerSecond"] = "150" });
        using var client = new HttpClient { BaseAddress = gateway.Address };
        using var response = await StreamAsync(client, "terminated");
        await gateway.TerminateAsync();
        var events = await GatewayFixture.ReadEventsAsync(response);

        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal(0, await gateway.ExitAsync());
        Assert.Contains("\"outcome\":\"completed\"", await File.ReadAllTextAsync(ServedPath, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_malformed_configuration_ends_the_start_with_one_line_and_code_2()
    {
        var config = Path.Combine(_folder.FullName, "config.yaml");
        await File.WriteAllTextAsync(config, "model_list:\n  - model_name: chat\n", TestContext.Current.CancellationToken);
        await using var gateway = GatewayProcess.Launch(ServedPath, new() { ["Gateway__ConfigPath"] = config });

        Assert.Equal(2, await gateway.ExitAsync());
        Assert.Equal(
            [$"{config}, line 2: the file names no model for \"chat\". Add litellm_params with \"model: provider/model-name\"."], gateway.Errors);
    }

    [Theory]
    [InlineData("Gateway__ConfigPath", "/nowhere/config.yaml", "Gateway:ConfigPath")]
    [InlineData("Gateway__TokensPerSecond", "-1", "Gateway:TokensPerSecond")]
    [InlineData("Gateway__TokensPerSecond", "fast", "Gateway:TokensPerSecond")]
    [InlineData("Gateway__ServedPath", "DemoGateway.dll/served.jsonl", "Gateway:ServedPath")]
    public async Task a_setting_that_cannot_be_used_ends_the_start_with_one_line_and_code_2(string name, string value, string remedy)
    {
        await using var gateway = GatewayProcess.Launch(ServedPath, new() { [name] = value });

        Assert.Equal(2, await gateway.ExitAsync());
        Assert.Contains(remedy, Assert.Single(gateway.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_port_that_is_taken_ends_the_start_with_one_line_and_code_2()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        await using var gateway = GatewayProcess.Launch(ServedPath, new() { ["ASPNETCORE_URLS"] = $"http://{taken.LocalEndpoint}" });

        Assert.Equal(2, await gateway.ExitAsync());
        var error = Assert.Single(gateway.Errors);
        Assert.Contains($"{taken.LocalEndpoint}", error, StringComparison.Ordinal);
        Assert.Contains("ASPNETCORE_URLS", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_second_gateway_does_not_write_into_the_same_record()
    {
        await using var first = await GatewayProcess.StartAsync(ServedPath, []);
        await using var second = GatewayProcess.Launch(ServedPath, []);

        Assert.Equal(2, await second.ExitAsync());
        Assert.Contains("Gateway:ServedPath", Assert.Single(second.Errors), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    private static Task<HttpResponseMessage> StreamAsync(HttpClient client, string callId) => client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(GatewayFixture.Ask("Explain rain", with: new { stream = true })),
            Headers = { { "x-litellm-call-id", callId } },
        },
        HttpCompletionOption.ResponseHeadersRead,
        TestContext.Current.CancellationToken);
}
