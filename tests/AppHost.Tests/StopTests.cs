using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace LlmAspire.AppHost.Tests;

/// <summary>The stack as a user runs it: started, stopped under load, killed, started again.</summary>
public sealed class StopTests : IDisposable
{
    private const int Answers = 20;

    private readonly StackFolder _folder = new();
    private readonly CancellationTokenSource _patience;

    public StopTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Looks for processes in /proc.");
        _patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        _patience.CancelAfter(TimeSpan.FromMinutes(25));
    }

    public void Dispose()
    {
        _patience?.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task an_interrupt_a_termination_and_a_kill_of_the_stack_lose_no_answer_and_leave_no_process()
    {
        var requests = await StopUnderLoadAsync([], AppHostProcess.IgnoresInterrupt ? AppHostProcess.Terminate : AppHostProcess.Interrupt);
        requests = await StopUnderLoadAsync(requests, AppHostProcess.Terminate);

        await using (var third = await StartAsync())
        {
            await AssertSettledAsync(third, requests);
            requests = await BeginAnswersAsync(third.UrlOf("api"));

            third.Kill();
            await third.WaitUntilGoneAsync(_patience.Token);
        }

        // Not each of them is settled: the services were killed too. None may be missing.
        await using var fourth = await StartAsync();
        await WaitForRowsAsync(fourth, requests);
    }

    /// <summary>Starts the stack, looks after the answers of its last run, and stops it while it gives others.</summary>
    /// <returns>The requests of these.</returns>
    private async Task<List<Guid>> StopUnderLoadAsync(List<Guid> last, int signal)
    {
        await using var appHost = await StartAsync();
        AssertKeysOfTheShellAreNowhere(appHost);
        await AssertSettledAsync(appHost, last);
        var requests = await BeginAnswersAsync(appHost.UrlOf("api"));

        appHost.Signal(signal);
        await appHost.WaitForExitAsync(_patience.Token);

        Assert.Equal(0, appHost.ExitCode);
        Assert.Equal(["web", "api", "usage-worker", "litellm", "postgres"], Regex.Matches(appHost.Output, @"^(\S+) +stopped$", RegexOptions.Multiline).Select(line => line.Groups[1].Value));
        Assert.DoesNotContain("   at ", appHost.Output, StringComparison.Ordinal);
        await appHost.WaitUntilGoneAsync(_patience.Token);

        return requests;
    }

    private async Task<AppHostProcess> StartAsync()
    {
        var appHost = AppHostProcess.Start(
            [new("MISTRAL_API_KEY", "sk-of-the-shell"), new("Authentication__ClientSecret", "secret-of-the-shell")],
            [.. _folder.Arguments, "Stack:Mode=embedded", "Stack:Gateway=demo", "Stack:HealthPatience=00:05:00", "DcpPublisher:RandomizePorts=true"]);
        await appHost.WaitForLineAsync("Everything is ready", _patience.Token);

        return appHost;
    }

    /// <summary>The AppHost itself has read them: what the kernel shows of it is what it was started with.</summary>
    private static void AssertKeysOfTheShellAreNowhere(AppHostProcess appHost)
    {
        var services = appHost.FindProcesses().Where(process => !process.CommandLine.Contains("AppHost.dll", StringComparison.Ordinal)).ToList();

        Assert.Contains(services, process => process.CommandLine.Contains("DemoGateway", StringComparison.Ordinal));
        Assert.Contains(services, process => process.CommandLine.Contains("Api", StringComparison.Ordinal));
        Assert.All(services, process => Assert.DoesNotContain("sk-of-the-shell", process.Environment, StringComparison.Ordinal));
        Assert.All(
            services.Where(process => !process.CommandLine.Contains("Web", StringComparison.Ordinal)),
            process => Assert.DoesNotContain("secret-of-the-shell", process.Environment, StringComparison.Ordinal));
    }

    /// <summary>Asks for long answers, and comes back when each has begun.</summary>
    /// <returns>Their requests, each of one call.</returns>
    private async Task<List<Guid>> BeginAnswersAsync(Uri api)
    {
        using var client = new HttpClient { BaseAddress = api };
        using var signedIn = await client.PostAsJsonAsync("/identity/login", new { email = "enterprise@demo.local", password = "Demo-1234!" }, _patience.Token);
        var tokens = await signedIn.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(_patience.Token);
        client.DefaultRequestHeaders.Authorization = new("Bearer", tokens.GetProperty("accessToken").GetString());

        return [.. await Task.WhenAll(Enumerable.Range(0, Answers).Select(_ => BeginAnswerAsync(client)))];
    }

    private async Task<Guid> BeginAnswerAsync(HttpClient client)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "/chat")
        {
            Content = JsonContent.Create(new { message = "Hello <<demo length=2000 pace=20>>", model = "chat-default" }),
        };
        using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, _patience.Token);
        response.EnsureSuccessStatusCode();
        using var events = new StreamReader(await response.Content.ReadAsStreamAsync(_patience.Token));
        var request = Guid.Empty;
        while (await events.ReadLineAsync(_patience.Token) is { } line)
        {
            if (Regex.Match(line, "\"requestId\":\"([^\"]+)\"") is { Success: true } match)
            {
                request = Guid.Parse(match.Groups[1].Value);
            }

            if (line.StartsWith("event: delta", StringComparison.Ordinal))
            {
                return request;
            }
        }

        throw new InvalidOperationException("The answer ended before it had begun.");
    }

    /// <summary>Each call ended in a way that the Api told; the sweeper would have called it interrupted.</summary>
    private async Task AssertSettledAsync(AppHostProcess appHost, List<Guid> requests)
    {
        await WaitForRowsAsync(appHost, requests);

        Assert.Equal(requests.Count, await CountAsync(appHost, requests, "outcome <> 'interrupted'"));
    }

    private async Task WaitForRowsAsync(AppHostProcess appHost, List<Guid> requests)
    {
        while (await CountAsync(appHost, requests, "true") < requests.Count)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), _patience.Token);
        }
    }

    private async Task<long> CountAsync(AppHostProcess appHost, List<Guid> requests, string condition)
    {
        var settings = appHost.FindProcesses().Select(process => Regex.Match(process.Environment, "^ConnectionStrings__llm=(.*)$", RegexOptions.Multiline)).First(match => match.Success);
        await using var connection = new Npgsql.NpgsqlConnection(settings.Groups[1].Value);
        await connection.OpenAsync(_patience.Token);
        await using var command = new Npgsql.NpgsqlCommand($"SELECT count(*) FROM ledger.llm_usage WHERE request_id = ANY ($1) AND operation = 'chat' AND {condition}", connection)
        {
            Parameters = { new Npgsql.NpgsqlParameter<Guid[]> { TypedValue = [.. requests] } },
        };

        return (long)(await command.ExecuteScalarAsync(_patience.Token))!;
    }
}
