using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Identity.Development;
using LlmAspire.Api.Identity.Setup;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Api.Tests;

/// <summary>
/// The Api in this process, with a gateway of the test. Without <see cref="Ledger"/> it has no database, but a writer that
/// remembers.
/// </summary>
/// <remarks>By a type of the Api, as several projects have a Program.</remarks>
internal sealed class ApiFactory(string gatewayUrl) : WebApplicationFactory<GatewayOptions>
{
    /// <summary>The connection string of a real ledger.</summary>
    public string? Ledger { get; init; }

    public RecordingWriter Writer { get; } = new();

    public RecordingOpener Opener { get; } = new();

    public RecordingJournal Journal { get; } = new();

    public LogRecorder Logs { get; } = new();

    /// <summary>Tests ask faster than people; those of the limits set them.</summary>
    public Dictionary<string, string> Settings { get; } = new()
    {
        ["Identity:AttemptsPerEmail"] = "1000",
        ["Plans:Basic:RequestsPerMinute"] = "100000",
        ["Plans:Pro:RequestsPerMinute"] = "100000",
        ["Plans:Enterprise:RequestsPerMinute"] = "100000",
    };

    public string Environment { get; init; } = "Development";

    /// <summary>What this test has otherwise than the Api.</summary>
    public Action<IServiceCollection>? Replace { get; init; }

    /// <summary>The clock of the Api, where it is not the machine's.</summary>
    public TimeProvider? Time { get; init; }

    /// <summary>A client without credentials, for a gateway that is there: waits until the Api serves.</summary>
    public async Task<HttpClient> CreateReadyClientAsync()
    {
        var client = CreateClient();
        await Until.TrueAsync(async () => (await client.GetAsync("/health", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        return client;
    }

    /// <summary>The same, with the credentials of a demo account.</summary>
    public async Task<HttpClient> CreateSignedInClientAsync(string user = "pro")
    {
        var client = await CreateReadyClientAsync();
        client.DefaultRequestHeaders.Authorization = Ledger is null
            ? new AuthenticationHeaderValue(HeaderSignIn.SchemeName, user)
            : new AuthenticationHeaderValue("Bearer", (await client.SignInAsync($"{user}@demo.local", DemoAccounts.Password)).Access);
        return client;
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseEnvironment(Environment);
        builder.UseSetting("LLM_BASE_URL", gatewayUrl);
        builder.UseSetting("LLM_API_KEY", TestGateway.Key);
        // Without a database nobody connects.
        builder.UseSetting("ConnectionStrings:llm", Ledger ?? "Host=127.0.0.1;Port=1");
        // A call that most tests do not expect.
        builder.UseSetting("Chat:GenerateTitles", "false");
        builder.UseSetting("Spool:Directory", Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}"));
        foreach (var (key, value) in Settings)
        {
            builder.UseSetting(key, value);
        }

        builder.ConfigureLogging(logging => logging.ClearProviders().AddProvider(Logs));
        builder.ConfigureTestServices(services =>
        {
            if (Time is not null)
            {
                services.AddSingleton(Time);
            }

            Replace?.Invoke(services);

            if (Ledger is null)
            {
                RemoveLedger(services);
                services.AddSingleton<IUsageEventWriter>(Writer);
                services.AddSingleton<ICallOpener>(Opener);
                services.AddSingleton<IRunJournal>(Journal);
                services.AddSingleton(WithoutAccounts());
                HeaderSignIn.AddTo(services);
            }
        });
    }

    // Who the headers name needs no database.
    private static AccountsReadiness WithoutAccounts()
    {
        var readiness = new AccountsReadiness();
        readiness.SetReady();
        return readiness;
    }

    // What it registered to run or to be asked for its health; the rest is never asked for.
    private static void RemoveLedger(IServiceCollection services)
    {
        services.RemoveAll<IUsageEventWriter>();
        services.RemoveAll<ICallOpener>();
        foreach (var hosted in services.Where(service => service.ServiceType == typeof(IHostedService)
            && (service.ImplementationType?.Assembly ?? service.ImplementationFactory?.Method.Module.Assembly) == typeof(UsageEvent).Assembly).ToList())
        {
            services.Remove(hosted);
        }

        services.Configure<HealthCheckServiceOptions>(health =>
        {
            foreach (var check in health.Registrations.Where(check => check.Name is not ("self" or "gateway")).ToList())
            {
                health.Registrations.Remove(check);
            }
        });
    }
}

internal static class Until
{
    /// <summary>Asks until the answer is yes, at most for a minute: the machine may be busy.</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        while (!await condition())
        {
            await Task.Delay(10, patience.Token);
        }
    }

    public static Task TrueAsync(Func<bool> condition) => TrueAsync(() => Task.FromResult(condition()));
}

internal sealed record ReceivedEvent(string Type, string? Id, JsonElement Data);

internal static class ChatClientExtensions
{
    public static Task<HttpResponseMessage> ChatAsync(this HttpClient client, object body) =>
        client.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, "/chat") { Content = JsonContent.Create(body) },
            HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken);

    public static async IAsyncEnumerable<ReceivedEvent> ReadEventsAsync(this HttpResponseMessage response)
    {
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var parser = SseParser.Create(
            await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken), (_, data) => JsonDocument.Parse(data.ToArray()).RootElement);
        await foreach (var item in parser.EnumerateAsync(TestContext.Current.CancellationToken))
        {
            yield return new ReceivedEvent(item.EventType, item.EventId, item.Data);
        }
    }

    public static async Task<List<ReceivedEvent>> ReadAllEventsAsync(this HttpResponseMessage response)
    {
        var events = new List<ReceivedEvent>();
        await foreach (var item in response.ReadEventsAsync())
        {
            events.Add(item);
        }

        return events;
    }

    /// <summary>The body as problem details, checked for what all of them have.</summary>
    public static async Task<JsonElement> ReadProblemAsync(this HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal((int)response.StatusCode, problem.GetProperty("status").GetInt32());
        Assert.NotEqual("", problem.GetProperty("title").GetString());
        Assert.NotEqual("", problem.GetProperty("detail").GetString());
        Assert.NotEqual("", problem.GetProperty("code").GetString());
        Assert.Equal(32, problem.GetProperty("traceId").GetString()!.Length);
        return problem;
    }
}
