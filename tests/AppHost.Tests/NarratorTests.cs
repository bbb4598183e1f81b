using Aspire.Hosting.ApplicationModel;
using LlmAspire.AppHost.Running;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.AppHost.Tests;

/// <summary>What the console tells of a stack, and when the stack is given up.</summary>
public sealed class NarratorTests : IDisposable
{
    private readonly ExecutableResource _server = new("server", "server", ".");
    private readonly ExecutableResource _service = new("service", "service", ".");
    private readonly FakeTimeProvider _time = new();
    private readonly Output _output = new();
    private readonly ResourceNotificationService _notifications;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly StackNarrator _narrator;
    private readonly Task<bool> _telling;

    public NarratorTests()
    {
        _service.Annotations.Add(new WaitAnnotation(_server, WaitType.WaitUntilHealthy));
        _notifications = new ResourceNotificationService(
            NullLogger<ResourceNotificationService>.Instance, new Lifetime(), new ServiceCollection().BuildServiceProvider(), new ResourceLoggerService());
        _narrator = new StackNarrator(
            new DistributedApplicationModel([_server, _service]), _notifications, ReadLogAsync, _output, _time, TimeSpan.FromSeconds(30), _stopping.Token);
        _telling = _narrator.TellAsync(_end.Token);
    }

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
        _stopping.Dispose();
        _notifications.Dispose();
        _output.Dispose();
    }

    [Fact]
    public async Task each_resource_is_told_when_it_is_ready_with_its_address_and_then_everything()
    {
        await PublishAsync(_server, KnownResourceStates.Running);
        await _output.WaitForAsync("server       ready after 0.0 s");
        Assert.DoesNotContain("Everything is ready", _output.ToString(), StringComparison.Ordinal);

        _time.Advance(TimeSpan.FromSeconds(2.5));
        await PublishAsync(_service, KnownResourceStates.Running, snapshot => snapshot with
        {
            Urls = [new UrlSnapshot("tcp", "tcp://localhost:1", IsInternal: false), new UrlSnapshot("http", "http://localhost:2", IsInternal: false) { DisplayProperties = new("Chat", 0) }],
        });

        await _output.WaitForAsync("service      ready after 2.5 s  http://localhost:2 (Chat)");
        await _output.WaitForAsync("Everything is ready after 2.5 s. Ctrl+C stops it.");
        Assert.True(_narrator.WasReady);
    }

    [Fact]
    public async Task a_resource_that_ends_before_everything_is_ready_gives_the_stack_up()
    {
        await PublishAsync(_server, KnownResourceStates.Running);
        await PublishAsync(_server, KnownResourceStates.Finished, snapshot => snapshot with { ExitCode = 3 });

        Assert.True(await _telling);
        Assert.Contains("server ended with exit code 3. Its last lines:", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains($"{Environment.NewLine}  crit: The port is 7.{Environment.NewLine}", _output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("[sys]", _output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task of_a_resource_and_what_waits_for_it_the_cause_is_told()
    {
        // In one batch, before the narrator looks.
        await PublishAsync(_server, KnownResourceStates.FailedToStart);
        await PublishAsync(_service, KnownResourceStates.FailedToStart);

        Assert.True(await _telling);
        Assert.Contains("server could not be started.", _output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("service could not", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_resource_that_ends_later_is_told_and_can_be_started_again()
    {
        await PublishAsync(_server, KnownResourceStates.Running);
        await PublishAsync(_service, KnownResourceStates.Running);
        await _output.WaitForAsync("Everything is ready");

        await PublishAsync(_service, KnownResourceStates.Finished, snapshot => snapshot with { ExitCode = 134 });
        await _output.WaitForAsync("service ended with exit code 134.");
        await PublishAsync(_service, KnownResourceStates.Running);
        await _output.WaitForAsync("service      ready after", times: 2);

        Assert.False(_telling.IsCompleted);
    }

    [Fact]
    public async Task a_resource_that_a_person_stops_has_not_failed()
    {
        await PublishAsync(_server, KnownResourceStates.Running);
        await PublishAsync(_service, KnownResourceStates.Running);
        await PublishAsync(_service, KnownResourceStates.Stopping);
        await PublishAsync(_service, KnownResourceStates.Exited, snapshot => snapshot with { ExitCode = 143 });

        await _output.WaitForAsync("service      stopped");
        Assert.DoesNotContain("ended with exit code", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_stop_tells_what_was_not_ready_and_takes_no_end_for_a_failure()
    {
        await PublishAsync(_server, KnownResourceStates.Running);
        await _output.WaitForAsync("server       ready");

        await _stopping.CancelAsync();
        await PublishAsync(_server, KnownResourceStates.Exited, snapshot => snapshot with { ExitCode = 137 });

        await _output.WaitForAsync("Stopping before everything was ready. Not ready: service.");
        Assert.DoesNotContain("ended with exit code", _output.ToString(), StringComparison.Ordinal);
    }

    private Task PublishAsync(ExecutableResource resource, string state, Func<CustomResourceSnapshot, CustomResourceSnapshot>? change = null) =>
        _notifications.PublishUpdateAsync(resource, resource.Name, snapshot => (change ?? (same => same))(snapshot with { State = state }));

    private static async IAsyncEnumerable<IReadOnlyList<LogLine>> ReadLogAsync(string resourceId)
    {
        await Task.Yield();
        yield return
        [
            new LogLine(1, "2026-11-30T21:23:42.1234567Z [sys] Starting process...: Cmd = /usr/bin/server", IsErrorMessage: false),
            new LogLine(2, "2026-11-30T21:23:43.1Z \e[41m\e[1mcrit\e[39m: The port is 7.", IsErrorMessage: false),
            new LogLine(3, "2026-11-30T21:23:43.1Z    at Server.Main()", IsErrorMessage: false),
        ];
    }

    private sealed class Output : StringWriter
    {
        private readonly Lock _lock = new();
        private readonly SemaphoreSlim _written = new(0);

        public override void WriteLine(string? value)
        {
            lock (_lock)
            {
                base.WriteLine(value);
            }

            _written.Release();
        }

        public override string ToString()
        {
            lock (_lock)
            {
                return base.ToString();
            }
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            _written.Dispose();
        }

        public async Task WaitForAsync(string text, int times = 1)
        {
            while (ToString().Split(text).Length <= times)
            {
                await _written.WaitAsync(TestContext.Current.CancellationToken);
            }
        }
    }

    private sealed class Lifetime : IHostApplicationLifetime
    {
        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => CancellationToken.None;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => throw new NotSupportedException();
    }
}
