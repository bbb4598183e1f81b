using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Aspire.Hosting.Tests;

/// <summary>The stand-in's orchestrator with real processes: shells that say what they see.</summary>
public sealed class OrchestratorTests : IDisposable
{
    private readonly Lines _lines = new();
    private readonly CancellationTokenSource _patience;

    public OrchestratorTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The resources of these tests are POSIX shells.");
        _patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        _patience.CancelAfter(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task a_resource_gets_its_environment_arguments_and_endpoints_resolved()
    {
        var builder = CreateBuilder("Parameters:secret=s3cret");
        var secret = builder.AddParameter("secret", secret: true);
        var server = AddShell(builder, "server", "while :; do sleep 1; done").WithHttpEndpoint(name: "http");
        AddShell(builder, "client", """echo "$URL $KEY $1"; while :; do sleep 1; done""", "sh")
            .WithEnvironment("URL", ReferenceExpression.Create($"{server.GetEndpoint("http")}/v1"))
            .WithEnvironment("KEY", secret)
            .WithArgs(server.GetEndpoint("http").Property(EndpointProperty.Port));

        await using var app = builder.Build();
        await app.StartAsync(_patience.Token);
        var line = await _lines.NextAsync("client", _patience.Token);

        var url = server.GetEndpoint("http").Url;
        Assert.Equal($"{url}/v1 s3cret {new Uri(url).Port}", line);
    }

    [Fact]
    public async Task a_resource_starts_only_when_what_it_waits_for_is_there()
    {
        var builder = CreateBuilder();
        var first = AddShell(builder, "first", "echo first; while :; do sleep 1; done");
        var connection = builder.AddConnectionString("connection", ReferenceExpression.Create($"Host=nowhere")).WaitFor(first);
        AddShell(builder, "second", "echo $ConnectionStrings__connection; while :; do sleep 1; done").WithReference(connection).WaitFor(connection);

        await using var app = builder.Build();
        await app.StartAsync(_patience.Token);

        Assert.Equal("Host=nowhere", await _lines.NextAsync("second", _patience.Token));
        Assert.True(app.ResourceNotifications.TryGetCurrentState("first", out var state));
        Assert.Equal(KnownResourceStates.Running, state!.Snapshot.State!.Text);
    }

    [Fact]
    public async Task what_waits_for_a_resource_that_ends_fails_with_it()
    {
        var builder = CreateBuilder();
        var broken = AddShell(builder, "broken", "echo out of order; exit 3").WithHttpEndpoint().WithHttpHealthCheck("/health");
        AddShell(builder, "dependent", "echo never").WaitFor(broken);

        await using var app = builder.Build();
        await app.StartAsync(_patience.Token);
        await app.ResourceNotifications.WaitForResourceAsync("dependent", KnownResourceStates.FailedToStart, _patience.Token);

        await Assert.ThrowsAsync<DistributedApplicationException>(() => app.ResourceNotifications.WaitForResourceHealthyAsync("broken", _patience.Token));
        Assert.True(app.ResourceNotifications.TryGetCurrentState("broken", out var state));
        Assert.Equal(3, state!.Snapshot.ExitCode);
        Assert.DoesNotContain(_lines.All, line => line.Text == "never");
    }

    [Fact]
    public async Task a_stop_reaches_dependents_before_what_they_depend_on()
    {
        const string UntilTerminated = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done";
        var builder = CreateBuilder();
        var database = AddShell(builder, "database", UntilTerminated);
        var service = AddShell(builder, "service", UntilTerminated).WaitFor(database);
        AddShell(builder, "front", UntilTerminated).WaitFor(service);

        await using var app = builder.Build();
        await app.StartAsync(_patience.Token);
        Assert.Equal("up", await _lines.NextAsync("front", _patience.Token));
        await app.StopAsync(_patience.Token);

        Assert.Equal(["front", "service", "database"], _lines.All.Where(line => line.Text == "bye").Select(line => line.Resource));
    }

    [Fact]
    public void a_container_is_refused_with_what_to_do()
    {
        var builder = CreateBuilder();
        builder.AddResource(new ContainerResource("redis"));

        var exception = Assert.Throws<DistributedApplicationException>(builder.Build);

        Assert.Contains("'redis' is a container", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Stack:Mode=embedded", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void two_resources_of_one_name_are_refused()
    {
        var builder = CreateBuilder();
        AddShell(builder, "api", "true");

        Assert.Throws<DistributedApplicationException>(() => AddShell(builder, "API", "true"));
    }

    [Fact]
    public async Task a_generated_value_has_the_characters_that_were_asked_for()
    {
        var builder = CreateBuilder();
        var parameter = builder.AddParameter("key", new GenerateParameterDefault { MinLength = 40, Special = false }, secret: true);

        var value = await parameter.Resource.GetValueAsync(_patience.Token);

        Assert.Matches("^[A-Za-z0-9]{40}$", value);
        Assert.Equal(value, await parameter.Resource.GetValueAsync(_patience.Token));
    }

    [Fact]
    public async Task a_parameter_without_a_value_says_which_setting_is_missing()
    {
        var builder = CreateBuilder();
        var parameter = builder.AddParameter("key");

        var exception = await Assert.ThrowsAsync<DistributedApplicationException>(async () => await parameter.Resource.GetValueAsync(_patience.Token));

        Assert.Contains("Parameters:key", exception.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _patience?.Dispose();
        _lines.Dispose();
    }

    private static IResourceBuilder<ExecutableResource> AddShell(IDistributedApplicationBuilder builder, string name, string script, params string[] args) =>
        builder.AddResource(new ExecutableResource(name, "/bin/sh", "/")).WithArgs(["-c", script, .. args]);

    private IDistributedApplicationBuilder CreateBuilder(params string[] args)
    {
        var builder = DistributedApplication.CreateBuilder([.. args, "DcpPublisher:RandomizePorts=true"]);
        builder.Services.AddLogging(logging => logging.ClearProviders().AddProvider(_lines));

        return builder;
    }

    /// <summary>What the resources print, in order.</summary>
    private sealed class Lines : ILoggerProvider
    {
        private readonly ConcurrentQueue<(string Resource, string Text)> _lines = new();
        private readonly SemaphoreSlim _arrived = new(0);

        public IReadOnlyCollection<(string Resource, string Text)> All => _lines;

        public async Task<string> NextAsync(string resource, CancellationToken cancellationToken)
        {
            while (true)
            {
                if (_lines.FirstOrDefault(line => line.Resource == resource) is { Text: { } text })
                {
                    return text;
                }

                await _arrived.WaitAsync(cancellationToken);
            }
        }

        public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName[(categoryName.LastIndexOf('.') + 1)..]);

        public void Dispose() => _arrived.Dispose();

        private sealed class Logger(Lines lines, string name) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                lines._lines.Enqueue((name, formatter(state, exception)));
                lines._arrived.Release();
            }
        }
    }
}
