using LlmAspire.Web.Api;
using Microsoft.Extensions.Options;

namespace LlmAspire.Web.Models;

/// <summary>
/// The models a user can choose from, and the choice. One a circuit. It asks the Api, falls back to the configured safe
/// list when that fails, and keeps asking, ever slower, until it has the live list again.
/// </summary>
public sealed partial class ModelDirectory(
    ApiClient api, IOptions<SafeModeOptions> safeMode, TimeProvider time, ILogger<ModelDirectory> logger) : IAsyncDisposable
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _closing = new();
    private TaskCompletionSource _wake = NewSignal();
    private Task? _refreshing;
    private string? _chosen;
    private long _loadedAt;

    /// <summary>Raised on any thread when anything below changed.</summary>
    public event Action? Changed;

    public IReadOnlyList<ModelInfo> Models { get; private set; } = [];

    public ModelListState State { get; private set; } = ModelListState.Loading;

    /// <summary>Whether a request is under way.</summary>
    public bool Refreshing { get; private set; }

    /// <summary>The user's choice while it is on offer, else the first available model; null when there is none.</summary>
    public ModelInfo? Selected =>
        Models.FirstOrDefault(model => model.Id == _chosen && model.Available) ?? Models.FirstOrDefault(model => model.Available);

    /// <summary>An alias as users know it; the alias itself when it is not on offer.</summary>
    public string? NameOf(string? id) => Models.FirstOrDefault(model => model.Id == id)?.Name ?? id;

    /// <summary>Begins to ask the Api. Further calls do nothing.</summary>
    public void Start() => _refreshing ??= RefreshUntilClosedAsync();

    /// <summary>Asks the Api now instead of when the pause is over.</summary>
    public void Refresh() => _wake.TrySetResult();

    /// <summary>Asks the Api again when the live list is older than a minute: what is available changes.</summary>
    public void RefreshIfOld()
    {
        if (State == ModelListState.Live && time.GetElapsedTime(_loadedAt) > Fresh)
        {
            Refresh();
        }
    }

    /// <summary>Chooses a model. The choice outlasts a list that lacks it.</summary>
    public void Select(string id)
    {
        _chosen = id;
        Changed?.Invoke();
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await (_refreshing ?? Task.CompletedTask);
        _closing.Dispose();
    }

    private async Task RefreshUntilClosedAsync()
    {
        PageAction.Detach();
        var delay = FirstDelay;
        while (!_closing.IsCancellationRequested)
        {
            _wake = NewSignal();
            Refreshing = true;
            Changed?.Invoke();
            var retryAfter = await RefreshOnceAsync();
            var pause = Timeout.InfiniteTimeSpan;
            if (State == ModelListState.Live)
            {
                delay = FirstDelay;
            }
            else
            {
                pause = retryAfter ?? delay;
                pause = pause < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : pause > LongestDelay ? LongestDelay : pause;
                delay = delay * 2 > LongestDelay ? LongestDelay : delay * 2;
            }

            var waiting = _wake.Task.WaitAsync(pause, time, _closing.Token);
            Refreshing = false;
            Changed?.Invoke();
            await waiting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    /// <returns>How long the Api asks to wait.</returns>
    private async Task<TimeSpan?> RefreshOnceAsync()
    {
        try
        {
            var list = await api.GetModelsAsync(_closing.Token);
            Models = list.Models;
            _loadedAt = time.GetTimestamp();
            State = list.Stale ? ModelListState.Stale : ModelListState.Live;
            return null;
        }
        catch (ApiException exception)
        {
            LogDiscoveryFailed(logger, exception.Problem.Status, exception.Problem.Code, exception.Problem.TraceId);
            if (State is ModelListState.Live or ModelListState.Stale)
            {
                State = ModelListState.Stale; // the last list is better than the safe one
            }
            else
            {
                State = ModelListState.SafeMode;
                Models = [.. safeMode.Value.Models];
            }

            return exception.RetryAfter;
        }
        catch (OperationCanceledException)
        {
            return null; // the circuit closes
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The list of models cannot be had: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogDiscoveryFailed(ILogger logger, int? status, string? code, string? traceId);
}
