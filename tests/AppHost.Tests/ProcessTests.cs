using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace LlmAspire.AppHost.Tests;

/// <summary>The AppHost as a user runs it: a process of its own, stopped, killed, and stopped by what is wrong.</summary>
public sealed partial class ProcessTests : IDisposable
{
    private readonly string _dataDirectory = CreateDataDirectory();
    private readonly CancellationTokenSource _patience;

    public ProcessTests()
    {
        _patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        _patience.CancelAfter(TimeSpan.FromMinutes(4));
    }

    [Fact]
    public async Task two_runs_keep_the_data_and_leave_no_process()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Looks for processes in /proc.");
        var mark = Guid.NewGuid().ToString();

        string callId;
        await using (var first = Start(mark, "DcpPublisher:RandomizePorts=true"))
        {
            await first.WaitForLineAsync("Everything is ready", _patience.Token);
            callId = await ChatAsync(UrlOf("api", first.Output));

            Assert.Equal(0, Kill(first.Id, signal: 15));
            await first.WaitForExitAsync(_patience.Token);
            Assert.Equal(0, first.ExitCode);
            Assert.Empty(ProcessesMarked(mark));
        }

        await using var second = Start(mark, "DcpPublisher:RandomizePorts=true");
        await second.WaitForLineAsync("Everything is ready", _patience.Token);
        Assert.Equal(1, await CountRowsAsync(second.Output, callId));

        second.Kill();
        await second.WaitForExitAsync(_patience.Token);
        while (ProcessesMarked(mark).Count > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), _patience.Token);
        }
    }

    [Fact]
    public async Task a_port_that_is_taken_is_named_with_what_to_do()
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

        await using var appHost = Start(mark: "", "Stack:Mode=embedded", "Stack:Gateway=demo");
        await appHost.WaitForExitAsync(_patience.Token);

        Assert.Equal(1, appHost.ExitCode);
        Assert.Matches(@"Port \d+, which '[a-z-]+' needs, is taken by another program\. Stop that program", appHost.Output);
        Assert.DoesNotContain("   at ", appHost.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_malformed_gateway_configuration_is_named_with_its_line()
    {
        var config = Path.Combine(_dataDirectory, "config.yaml");
        await File.WriteAllTextAsync(config, "model_list:\n  - model_name: chat-default\n    litellm_params: [\n", _patience.Token);

        await using var appHost = Start(mark: "", "DcpPublisher:RandomizePorts=true", $"Stack:GatewayConfig={config}");
        await appHost.WaitForExitAsync(_patience.Token);

        Assert.Equal(1, appHost.ExitCode);
        Assert.Matches(@"config\.yaml, line \d+: .*Correct that line", appHost.Output);
        Assert.DoesNotContain("   at ", appHost.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_resource_that_cannot_start_ends_the_stack_with_its_last_lines()
    {

        await using var appHost = Start(mark: "", "DcpPublisher:RandomizePorts=true", KeyValuePair.Create("Postgres__BinDirectory", (string?)"/nowhere"));
        await appHost.WaitForExitAsync(_patience.Token);

        Assert.Equal(1, appHost.ExitCode);
        Assert.Contains("postgres ended with exit code 2", appHost.Output, StringComparison.Ordinal);
        Assert.Contains("Postgres:BinDirectory is '/nowhere'", appHost.Output, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _patience.Dispose();
        Directory.Delete(_dataDirectory, recursive: true);
    }

    private static string CreateDataDirectory()
    {
        var folder = Directory.CreateTempSubdirectory("llmaspire-apphost-").FullName;
        if (!OperatingSystem.IsWindows())
        {
            // Run as root, PostgreSQL runs as somebody else, who must get to its own folder in it.
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        }

        return folder;
    }

    private AppHostProcess Start(string mark, params string[] settings) => Start(mark, settings, []);

    private AppHostProcess Start(string mark, string setting, KeyValuePair<string, string?> variable) => Start(mark, [setting], [variable]);

    private AppHostProcess Start(string mark, string[] settings, KeyValuePair<string, string?>[] variables) =>
        AppHostProcess.Start(
            [new("LLMASPIRE_TEST_MARK", mark), .. variables],
            [
                $"Stack:DataDirectory={_dataDirectory}",
                "Parameters:postgres-password=process-test",
                "Parameters:litellm-master-key=process-test",
                .. settings,
            ]);

    private static Uri UrlOf(string resource, string output) => new(Regex.Match(output, $@"{resource} +ready after .*?(http://\S+)").Groups[1].Value);

    private async Task<string> ChatAsync(Uri api)
    {
        using var client = new HttpClient { BaseAddress = api };
        using var signedIn = await client.PostAsJsonAsync("/identity/login", new { email = "pro@demo.local", password = "Demo-1234!" }, _patience.Token);
        var tokens = await signedIn.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(_patience.Token);
        client.DefaultRequestHeaders.Authorization = new("Bearer", tokens.GetProperty("accessToken").GetString());
        using var response = await client.PostAsJsonAsync("/chat", new { message = "Hello" }, _patience.Token);
        var events = await response.Content.ReadAsStringAsync(_patience.Token);

        return Regex.Match(events, "\"callId\":\"([^\"]+)\"").Groups[1].Value;
    }

    private async Task<long> CountRowsAsync(string output, string callId)
    {
        var port = Regex.Match(output, @"PostgreSQL listens on 127\.0\.0\.1:(\d+)").Groups[1].Value;
        await using var connection = new Npgsql.NpgsqlConnection($"Host=127.0.0.1;Port={port};Username=postgres;Password=process-test;Database=llm");
        await connection.OpenAsync(_patience.Token);
        await using var command = new Npgsql.NpgsqlCommand("SELECT count(*) FROM ledger.llm_usage WHERE id = $1", connection)
        {
            Parameters = { new Npgsql.NpgsqlParameter<Guid> { TypedValue = Guid.Parse(callId) } },
        };

        return (long)(await command.ExecuteScalarAsync(_patience.Token))!;
    }

    private static List<int> ProcessesMarked(string mark) =>
        [.. Directory.GetDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? id : 0)
            .Where(id => id != 0 && HasMark(id, mark))];

    private static bool HasMark(int processId, string mark)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/environ").Contains($"LLMASPIRE_TEST_MARK={mark}", StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile, or is somebody else's.
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
