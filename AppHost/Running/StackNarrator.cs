using System.Globalization;
using System.Text.RegularExpressions;
using LlmAspire.AppHost.Services;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.AppHost.Running;

/// <summary>
/// Tells on the console what happens to the stack, a line a change: what is ready, where and after how long, what failed and with which last lines.
/// A stack that cannot become ready is given up, instead of waiting for ever.
/// </summary>
/// <param name="model">The resources.</param>
/// <param name="notifications">Their changes.</param>
/// <param name="readLog">Reads what a resource has logged until now, by the id of its process or container.</param>
/// <param name="output">Where to tell.</param>
/// <param name="time">The clock.</param>
/// <param name="healthPatience">For how long a resource may run without being healthy before the stack is given up, unless it has a <see cref="StartPatienceAnnotation"/> of more.</param>
/// <param name="stopping">Cancelled when the stack is told to stop: from then on a resource that ends was stopped.</param>
internal sealed partial class StackNarrator(
    DistributedApplicationModel model,
    ResourceNotificationService notifications,
    Func<string, IAsyncEnumerable<IReadOnlyList<LogLine>>> readLog,
    TextWriter output,
    TimeProvider time,
    TimeSpan healthPatience,
    CancellationToken stopping)
{
    private const int LastLines = 12;

    /// <summary>What the log of a process that has ended may take to arrive.</summary>
    private static readonly TimeSpan LogPatience = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, ResourceStory> _stories =
        model.FindStoppableResources().ToDictionary(resource => resource.Name, resource => new ResourceStory(resource));

    private readonly long _start = time.GetTimestamp();
    private bool _dashboardWasReady;
    private volatile bool _isGivenUp;

    /// <summary>Everything was ready at once. From then on nothing that happens ends the stack: a person can start a resource again in the dashboard.</summary>
    public bool WasReady { get; private set; }

    /// <summary>Tells until <paramref name="cancellationToken"/> is cancelled or the stack is given up.</summary>
    /// <returns>True when the stack is given up; it was told why.</returns>
    public async Task<bool> TellAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var tellStop = stopping.Register(TellStop);
        var (changes, looks) = (TellChangesAsync(stop.Token), LookForUnhealthyAsync(stop.Token));
        try
        {
            return await await Task.WhenAny(changes, looks);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll((Task)changes, looks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> TellChangesAsync(CancellationToken cancellationToken)
    {
        await foreach (var change in notifications.WatchAsync(cancellationToken))
        {
            if (change.Resource.Name == StoppableResources.DashboardName)
            {
                TellDashboard(change.Snapshot);
            }
            else if (change.Resource is ParameterResource && change.Snapshot.State?.Text == KnownResourceStates.ValueMissing)
            {
                Write($"{change.Resource.Name} has no value: give it one in the dashboard, or as Parameters:{change.Resource.Name}.");
            }
            else if (_stories.TryGetValue(change.Resource.Name, out var story) && await TellAsync(story, story.Update(change, time.GetUtcNow()), cancellationToken))
            {
                return true;
            }
        }

        return false;
    }

    private async Task<bool> TellAsync(ResourceStory story, ResourceChange change, CancellationToken cancellationToken)
    {
        switch (change)
        {
            case ResourceChange.Ready:
                Write($"{story.Resource.Name,-12} ready after {Elapsed()}  {Address(story.Snapshot!)}".TrimEnd());
                TellWhenEverythingIsReady();
                return false;
            case ResourceChange.Unhealthy:
                Write($"{story.Resource.Name,-12} is not healthy any more: {story.HealthText}");
                return false;
            case ResourceChange.Stopped:
                Write($"{story.Resource.Name,-12} stopped");
                return false;
            case ResourceChange.Failed when stopping.IsCancellationRequested:
                return false;
            case ResourceChange.Failed:
                var root = RootOf(story);
                await TellFailureAsync(root, Ending(root.Snapshot!), cancellationToken);
                return _isGivenUp = !WasReady;
            default:
                return false;
        }
    }

    /// <summary>A resource fails too when what it waits for has failed: that one is to be told.</summary>
    private ResourceStory RootOf(ResourceStory story) =>
        story.Resource.Annotations.OfType<WaitAnnotation>()
            .SelectMany(wait => (IResource[])[wait.Resource, .. wait.Resource.Annotations.OfType<WaitAnnotation>().Select(next => next.Resource)])
            .Select(resource => _stories.GetValueOrDefault(resource.Name))
            .FirstOrDefault(awaited => awaited is { HasFailed: true }) is { } awaited ? RootOf(awaited) : story;

    private async Task<bool> LookForUnhealthyAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookInterval, time);
        while (!WasReady && !stopping.IsCancellationRequested && await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (Stories.FirstOrDefault(story => story.UnhealthyFor(time.GetUtcNow()) > PatienceWith(story.Resource)) is { } story)
            {
                await TellFailureAsync(story, $"runs, but is not healthy after {PatienceWith(story.Resource).TotalSeconds:0} s: {story.HealthText}", cancellationToken);
                return _isGivenUp = true;
            }
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        return false;
    }

    private TimeSpan PatienceWith(IResource resource) =>
        resource.Annotations.OfType<StartPatienceAnnotation>().Select(own => own.Patience).Append(healthPatience).Max();

    private async Task TellFailureAsync(ResourceStory story, string what, CancellationToken cancellationToken)
    {
        var lines = await ReadLastLinesAsync(story.Id, cancellationToken);
        var log = lines.Count == 0 ? "" : $" Its last lines:{Environment.NewLine}{string.Join(Environment.NewLine, lines.Select(line => $"  {line}"))}";
        Write($"{story.Resource.Name} {what}{log}{Environment.NewLine}{Remedies.Find(story.Resource, what + log)}");
    }

    private async Task<IReadOnlyList<string>> ReadLastLinesAsync(string resourceId, CancellationToken cancellationToken)
    {
        Queue<string> last = new(LastLines);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(LogPatience);
        try
        {
            await foreach (var batch in readLog(resourceId).WithCancellation(patience.Token))
            {
                foreach (var line in batch.Select(line => Noise().Replace(line.Content, "")).Where(IsOfUse))
                {
                    if (last.Count == LastLines)
                    {
                        last.Dequeue();
                    }

                    last.Enqueue(line);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // What has come until now is told.
        }

        return [.. last];
    }

    private void TellDashboard(CustomResourceSnapshot snapshot)
    {
        // The link signs the person in who clicks it; the others are the addresses for telemetry.
        if (!_dashboardWasReady && snapshot.HealthStatus == HealthStatus.Healthy && snapshot.Urls.FirstOrDefault(url => url.Name is "http" or "https") is { } link)
        {
            _dashboardWasReady = true;
            Write($"{"dashboard",-12} ready after {Elapsed()}  {link.Url}");
        }
    }

    private void TellWhenEverythingIsReady()
    {
        if (!WasReady && _stories.Values.All(story => story.IsReady))
        {
            WasReady = true;
            Write($"Everything is ready after {Elapsed()}. Ctrl+C stops it.");
        }
    }

    private void TellStop()
    {
        var pending = Stories.Where(story => !story.IsReady).Select(story => story.Resource.Name);
        Write(WasReady || _isGivenUp ? "Stopping." : $"Stopping before everything was ready. Not ready: {string.Join(", ", pending)}.");
    }

    /// <summary>In the order of the model: what the others need comes first.</summary>
    private IEnumerable<ResourceStory> Stories => model.FindStoppableResources().Select(resource => _stories[resource.Name]);

    private string Elapsed() => string.Create(CultureInfo.InvariantCulture, $"{time.GetElapsedTime(_start).TotalSeconds:0.0} s");

    private static string Address(CustomResourceSnapshot snapshot) =>
        snapshot.Urls.Where(url => !url.IsInternal && !url.IsInactive && url.Url.StartsWith("http", StringComparison.Ordinal)).OrderByDescending(url => url.DisplayProperties.SortOrder).FirstOrDefault() is { } url
            ? $"{url.Url}{(url.DisplayProperties.DisplayName is { Length: > 0 } name ? $" ({name})" : "")}"
            : "";

    private static string Ending(CustomResourceSnapshot snapshot) => snapshot.ExitCode is { } exitCode
        ? $"ended with exit code {exitCode}."
        : "could not be started.";

    private void Write(string text) => output.WriteLine(text);

    /// <summary>
    /// Whether a line helps who starts the stack: not how the process was started (<c>[sys] Starting process...: Cmd = /usr/bin/dotnet</c>), and not where in
    /// its code an exception came from, below which the exception itself would not be seen.
    /// </summary>
    private static bool IsOfUse(string line) => !string.IsNullOrWhiteSpace(line)
        && !line.StartsWith("[sys] ", StringComparison.Ordinal)
        && !line.StartsWith("No custom certificate authorities", StringComparison.Ordinal)
        && !line.TrimStart().StartsWith("at ", StringComparison.Ordinal);

    /// <summary>Each line of a resource's log begins with its time, <c>2026-11-30T21:23:42.1234567Z ready</c>, and may have colours.</summary>
    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT[\d:.]+Z? |\e\[[\d;]*m")]
    private static partial Regex Noise();
}
