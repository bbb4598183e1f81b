using System.Collections;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Orchestration;

/// <summary>Starts the resources as what they wait for becomes healthy, watches them, and stops them in the opposite order.</summary>
internal sealed partial class Orchestrator(
    DistributedApplicationModel model,
    DistributedApplicationExecutionContext executionContext,
    ResourceNotificationService notifications,
    HealthCheckService healthChecks,
    OrchestratorOptions options,
    IHostApplicationLifetime lifetime,
    IHostEnvironment environment,
    IConfiguration configuration,
    ILoggerFactory loggers) : IHostedService, IDisposable
{
    private static readonly TimeSpan HealthPeriodWhileStarting = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan HealthPeriod = TimeSpan.FromSeconds(5);

    // Settings of the AppHost itself that a resource must not take for its own.
    private static readonly string[] AppHostVariables =
        ["ASPNETCORE_URLS", "DOTNET_LAUNCH_PROFILE", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "OTEL_SERVICE_NAME"];

    private readonly ILogger _logger = loggers.CreateLogger("Aspire.Hosting");
    private readonly Dictionary<IResource, RunningResource> _running = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Stopwatch _sinceStart = Stopwatch.StartNew();
    private readonly ProcessGuard _guard = new();
    private int _notReady;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        AllocateEndpoints();

        var processes = model.Resources.Where(IsProcess).ToList();
        _notReady = processes.Count;
        foreach (var resource in processes)
        {
            _running[resource] = new RunningResource();
        }

        foreach (var resource in model.Resources)
        {
            switch (resource)
            {
                case ParameterResource:
                    notifications.Publish(resource, KnownResourceStates.Running, HealthStatus.Healthy);
                    break;
                case ConnectionStringResource:
                    _running[resource] = new RunningResource { Life = FollowAsync(resource, _stopping.Token) };
                    break;
                default:
                    _running[resource].Life = LiveAsync(resource, _running[resource], _stopping.Token);
                    break;
            }
        }

        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_stopping.IsCancellationRequested)
        {
            // Stopped already: disposing an application stops it too.
            return;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);

        // Those that nobody waits for any more go first.
        var left = _running.Where(pair => pair.Value.Process is not null).ToDictionary();
        while (left.Count > 0)
        {
            var awaited = left.Keys.SelectMany(Dependencies).ToHashSet();
            var next = left.Where(pair => !awaited.Contains(pair.Key)).ToList();
            await Task.WhenAll(next.Select(pair => pair.Value.Process!.StopAsync(cancellationToken))).ConfigureAwait(false);
            next.ForEach(pair => left.Remove(pair.Key));
        }

        await Task.WhenAll(_running.Values.Select(running => running.Life)).ConfigureAwait(false);
        foreach (var running in _running.Values)
        {
            running.Process?.Dispose();
        }
    }

    public void Dispose()
    {
        _guard.Dispose();
        _stopping.Dispose();
    }

    private static bool IsProcess(IResource resource) => resource is ProjectResource or ExecutableResource;

    /// <summary>What the resource waits for; for a connection string, also what that waits for.</summary>
    private static IEnumerable<IResource> Dependencies(IResource resource) =>
        resource.Annotations.OfType<WaitAnnotation>()
            .Select(wait => wait.Resource)
            .SelectMany(dependency => dependency is ConnectionStringResource ? Dependencies(dependency) : [dependency]);

    private void AllocateEndpoints()
    {
        var randomizePorts = configuration.GetValue<bool>("DcpPublisher:RandomizePorts");
        foreach (var resource in model.Resources.Where(IsProcess))
        {
            foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
            {
                var port = randomizePorts ? null : endpoint.Port;
                endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", port ?? FreePort());
            }
        }
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>A resource without a process: it is healthy when what it waits for is.</summary>
    private async Task FollowAsync(IResource resource, CancellationToken cancellationToken)
    {
        try
        {
            notifications.Publish(resource, KnownResourceStates.Waiting);
            await WaitForDependenciesAsync(resource, cancellationToken).ConfigureAwait(false);
            notifications.Publish(resource, KnownResourceStates.Running, HealthStatus.Healthy);
        }
        catch (DependencyFailedException)
        {
            notifications.Publish(resource, KnownResourceStates.FailedToStart);
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private async Task LiveAsync(IResource resource, RunningResource running, CancellationToken cancellationToken)
    {
        try
        {
            notifications.Publish(resource, KnownResourceStates.Waiting);
            await WaitForDependenciesAsync(resource, cancellationToken).ConfigureAwait(false);

            notifications.Publish(resource, KnownResourceStates.Starting);
            running.Process = await StartProcessAsync(resource, cancellationToken).ConfigureAwait(false);
            if (cancellationToken.IsCancellationRequested)
            {
                // The stop came while it was being started, and did not see it.
                await running.Process.StopAsync(CancellationToken.None).ConfigureAwait(false);
            }

            notifications.Publish(resource, KnownResourceStates.Running, HasHealthChecks(resource) ? HealthStatus.Unhealthy : HealthStatus.Healthy);

            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var health = WatchHealthAsync(resource, running, ended.Token);
            await running.Process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            await ended.CancelAsync().ConfigureAwait(false);
            await health.ConfigureAwait(false);

            if (!cancellationToken.IsCancellationRequested)
            {
                OnExit(resource, running);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping before it was started.
        }
        catch (DependencyFailedException)
        {
            // What failed has said so itself.
            notifications.Publish(resource, KnownResourceStates.FailedToStart);
        }
        catch (Exception exception) when (exception is DistributedApplicationException or Win32Exception or IOException)
        {
            notifications.Publish(resource, KnownResourceStates.FailedToStart);
            LogFailedToStart(resource.Name, exception.Message);
            GiveUp();
        }
    }

    private async Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var wait in resource.Annotations.OfType<WaitAnnotation>())
            {
                await notifications.WaitForResourceHealthyAsync(wait.Resource.Name, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (DistributedApplicationException exception)
        {
            throw new DependencyFailedException(exception);
        }
    }

    private async Task<ResourceProcess> StartProcessAsync(IResource resource, CancellationToken cancellationToken)
    {
        var (command, arguments, workingDirectory) = resource switch
        {
            ExecutableResource executable => (executable.Command, [], executable.WorkingDirectory),
            _ => ProjectCommand(resource.Annotations.OfType<ProjectAnnotation>().Single()),
        };

        var variables = await EnvironmentOfAsync(resource, cancellationToken).ConfigureAwait(false);
        var args = new List<string>(arguments);
        var context = new CommandLineArgsCallbackContext([], cancellationToken);
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
        {
            await annotation.Callback(context).ConfigureAwait(false);
        }

        foreach (var arg in context.Args)
        {
            args.Add(await ResolveAsync(arg, cancellationToken).ConfigureAwait(false) ?? "");
        }

        cancellationToken.ThrowIfCancellationRequested();
        var logger = loggers.CreateLogger($"{environment.ApplicationName}.Resources.{resource.Name}");
        var process = ResourceProcess.Start(command, args, workingDirectory, variables, logger);
        _guard.Watch(process.Id);

        return process;
    }

    private static (string Command, IReadOnlyList<string> Arguments, string WorkingDirectory) ProjectCommand(ProjectAnnotation project) =>
        (Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet",
            ["exec", project.TargetPath],
            Path.GetDirectoryName(project.ProjectPath)!);

    private async Task<IReadOnlyDictionary<string, string>> EnvironmentOfAsync(IResource resource, CancellationToken cancellationToken)
    {
        var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(entry => !AppHostVariables.Contains((string)entry.Key) && !((string)entry.Key).StartsWith("ASPIRE_", StringComparison.Ordinal))
            .ToDictionary(entry => (string)entry.Key, entry => (object)(string)entry.Value!);

        foreach (var (name, value) in resource.Annotations.OfType<ProjectAnnotation>().SingleOrDefault()?.LaunchProfile?.Environment ?? new Dictionary<string, string>())
        {
            variables[name] = value;
        }

        var urls = resource.Annotations.OfType<EndpointAnnotation>()
            .Where(endpoint => endpoint.UriScheme is "http" or "https")
            .Select(endpoint => endpoint.AllocatedEndpoint!.UriString)
            .ToList();
        if (resource is ProjectResource && urls.Count > 0)
        {
            variables["ASPNETCORE_URLS"] = string.Join(';', urls);
        }

        var context = new EnvironmentCallbackContext(executionContext, resource, variables, cancellationToken);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(context).ConfigureAwait(false);
        }

        var resolved = new Dictionary<string, string>();
        foreach (var (name, value) in variables)
        {
            if (await ResolveAsync(value, cancellationToken).ConfigureAwait(false) is { } text)
            {
                resolved[name] = text;
            }
        }

        return resolved;
    }

    private static async ValueTask<string?> ResolveAsync(object value, CancellationToken cancellationToken) =>
        value is IValueProvider provider
            ? await provider.GetValueAsync(cancellationToken).ConfigureAwait(false)
            : Convert.ToString(value, CultureInfo.InvariantCulture);

    private static bool HasHealthChecks(IResource resource) => resource.Annotations.OfType<HealthCheckAnnotation>().Any();

    private async Task WatchHealthAsync(IResource resource, RunningResource running, CancellationToken cancellationToken)
    {
        var keys = resource.Annotations.OfType<HealthCheckAnnotation>().Select(annotation => annotation.Key).ToHashSet();
        try
        {
            while (true)
            {
                var report = keys.Count == 0 ? null : await healthChecks.CheckHealthAsync(check => keys.Contains(check.Name), cancellationToken).ConfigureAwait(false);
                var status = report?.Status ?? HealthStatus.Healthy;
                if (status == HealthStatus.Healthy && !running.WasReady)
                {
                    running.WasReady = true;
                    OnReady(resource);
                }

                notifications.Publish(resource, KnownResourceStates.Running, status);
                await Task.Delay(running.WasReady ? HealthPeriod : HealthPeriodWhileStarting, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // It ended.
        }
    }

    private void OnReady(IResource resource)
    {
        LogReady(resource.Name.PadRight(12), _sinceStart.Elapsed.TotalSeconds, string.Join("  ", Urls(resource)));
        if (Interlocked.Decrement(ref _notReady) == 0)
        {
            LogAllReady(_sinceStart.Elapsed.TotalSeconds);
        }
    }

    private static IEnumerable<string> Urls(IResource resource)
    {
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>().Where(endpoint => endpoint.UriScheme is "http" or "https"))
        {
            var url = new ResourceUrlAnnotation { Url = endpoint.AllocatedEndpoint!.UriString };
            foreach (var annotation in resource.Annotations.OfType<ResourceUrlsCallbackAnnotation>().Where(annotation => annotation.EndpointName == endpoint.Name))
            {
                annotation.Callback(url);
            }

            yield return url.DisplayText is null ? url.Url : $"{url.Url} ({url.DisplayText})";
        }
    }

    private void OnExit(IResource resource, RunningResource running)
    {
        var exitCode = running.Process!.ExitCode;
        notifications.Publish(resource, exitCode == 0 ? KnownResourceStates.Finished : KnownResourceStates.Exited, exitCode: exitCode);
        LogExited(resource.Name, exitCode, string.Join(Environment.NewLine, running.Process.LastLines.Select(line => "    " + line)));

        if (!running.WasReady)
        {
            GiveUp();
        }
    }

    /// <summary>A stack that cannot start is not left half running: what failed has been said, the rest is stopped.</summary>
    private void GiveUp()
    {
        if (options.StopWhenAResourceFailsToStart)
        {
            Environment.ExitCode = 1;
            // A host that is stopped while it starts ends with an exception.
            lifetime.ApplicationStarted.Register(lifetime.StopApplication);
        }
    }

    [LoggerMessage(LogLevel.Information, "{Resource} ready after {Seconds:0.0} s  {Urls}")]
    private partial void LogReady(string resource, double seconds, string urls);

    [LoggerMessage(LogLevel.Information, "Everything is ready after {Seconds:0.0} s. Stop with Ctrl+C.")]
    private partial void LogAllReady(double seconds);

    [LoggerMessage(LogLevel.Error, "{Resource} ended with exit code {ExitCode}. Its last lines:\n{LastLines}")]
    private partial void LogExited(string resource, int exitCode, string lastLines);

    [LoggerMessage(LogLevel.Error, "{Resource} failed to start: {Reason}")]
    private partial void LogFailedToStart(string resource, string reason);

    private sealed class DependencyFailedException(Exception inner) : Exception(inner.Message, inner);

    private sealed class RunningResource
    {
        public Task Life { get; set; } = Task.CompletedTask;

        public ResourceProcess? Process { get; set; }

        public bool WasReady { get; set; }
    }
}
