using LlmAspire.Web.Api;
using LlmAspire.Web.Models;
using Microsoft.JSInterop;

namespace LlmAspire.Web.Tools;

/// <summary>The tools that a user can let models use, and the choice, which the browser remembers. One a circuit; used on its dispatcher only.</summary>
public sealed partial class ToolDirectory(ApiClient api, IJSRuntime js, TimeProvider time, ILogger<ToolDirectory> logger)
{
    private const string StorageKey = "tools";

    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);

    private readonly HashSet<string> _chosen = [];
    private long? _loadedAt;
    private bool _choiceIsRead;

    /// <summary>Raised when anything below changed.</summary>
    public event Action? Changed;

    /// <summary>Those of the user's plan and the others, the installation's own first.</summary>
    public IReadOnlyList<ToolInfo> Tools { get; private set; } = [];

    /// <summary>Whether the list cannot be had now.</summary>
    public bool IsAway { get; private set; }

    /// <summary>What is sent with a message: what was chosen, is there, and may be used.</summary>
    public IReadOnlyList<string> Chosen => [.. Tools.Where(tool => tool.Available && _chosen.Contains(tool.Name)).Select(tool => tool.Name)];

    /// <summary>What is sent with a message to these models; null for none.</summary>
    public IReadOnlyList<string>? ChosenFor(IReadOnlyList<ModelInfo> models) => UnableOf(models) is not null || Chosen is [] ? null : Chosen;

    /// <summary>The first that cannot use tools. Nobody knows of every model: then it is tried.</summary>
    public static ModelInfo? UnableOf(IReadOnlyList<ModelInfo> models) => models.FirstOrDefault(model => model.SupportsTools == false);

    public bool IsChosen(ToolInfo tool) => tool.Available && _chosen.Contains(tool.Name);

    /// <summary>A tool as people call it; its name in words when it is not on offer.</summary>
    public string LabelOf(string name) => Tools.FirstOrDefault(tool => tool.Name == name)?.Label ?? name.Replace('_', ' ');

    /// <summary>Asks the Api, unless the list is less than a minute old. Never fails.</summary>
    public async Task RefreshAsync()
    {
        await ReadChoiceAsync();
        if (_loadedAt is { } loaded && time.GetElapsedTime(loaded) < Fresh)
        {
            return;
        }

        try
        {
            Tools = await api.GetToolsAsync();
            (_loadedAt, IsAway) = (time.GetTimestamp(), false);
        }
        catch (ApiException exception)
        {
            IsAway = true;
            LogAway(logger, exception.Problem.Status, exception.Problem.Code, exception.Problem.TraceId);
        }

        Changed?.Invoke();
    }

    /// <summary>Lets models use a tool, or no longer.</summary>
    public async Task ChooseAsync(ToolInfo tool, bool chosen)
    {
        if (chosen ? _chosen.Add(tool.Name) : _chosen.Remove(tool.Name))
        {
            Changed?.Invoke();
            await StoreChoiceAsync();
        }
    }

    private async Task ReadChoiceAsync()
    {
        if (_choiceIsRead)
        {
            return;
        }

        _choiceIsRead = true;
        try
        {
            var stored = await js.InvokeAsync<string?>("localStorage.getItem", StorageKey);
            _chosen.UnionWith((stored ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }
        catch (Exception exception) when (exception is JSException or JSDisconnectedException)
        {
            // Storage is switched off in this browser, or the browser is gone: nothing is chosen.
        }
    }

    private async Task StoreChoiceAsync()
    {
        try
        {
            await js.InvokeVoidAsync("localStorage.setItem", StorageKey, string.Join(' ', _chosen.Order(StringComparer.Ordinal)));
        }
        catch (Exception exception) when (exception is JSException or JSDisconnectedException)
        {
            // The choice lasts as long as the page.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The list of tools cannot be had: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogAway(ILogger logger, int? status, string? code, string? traceId);
}
