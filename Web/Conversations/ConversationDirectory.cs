using LlmAspire.Web.Api;

namespace LlmAspire.Web.Conversations;

/// <summary>The list beside the chat: a page or more of the person's conversations, all or those that a search finds. One a circuit; used on its dispatcher only.</summary>
public sealed partial class ConversationDirectory : IDisposable
{
    /// <summary>A title is made after the first answer, by another model: it is looked for after these pauses.</summary>
    private static readonly TimeSpan[] TitlePauses = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(8)];

    private readonly ConversationsClient _client;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();

    /// <summary>Kept: an answer that ends as the circuit closes asks for the list once more.</summary>
    private readonly CancellationToken _closed;
    private int _version;
    private string? _next;

    public ConversationDirectory(ConversationsClient client, TimeProvider time, ILogger<ConversationDirectory> logger)
    {
        (_client, _time, _logger) = (client, time, logger);
        _closed = _closing.Token;
    }

    /// <summary>Raised on the dispatcher when anything below changed.</summary>
    public event Action? Changed;

    public IReadOnlyList<ConversationItem> Items { get; private set; } = [];

    /// <summary>Null until the first list is there, or could not be had.</summary>
    public bool? Loaded { get; private set; }

    public bool HasMore => _next is not null;

    public string? Search { get; private set; }

    public bool Archived { get; private set; }

    /// <summary>Asks the Api anew. Of two that overlap the later one counts.</summary>
    public async Task RefreshAsync()
    {
        var version = ++_version;
        try
        {
            var list = await _client.ListAsync(Search, Archived, null, _closed);
            if (version == _version)
            {
                (Items, _next, Loaded) = (list.Items, list.Next, true);
            }
        }
        catch (ApiException exception)
        {
            // What was there stays.
            Loaded ??= false;
            LogFailed(_logger, exception.Problem.Status, exception.Problem.Code, exception.Problem.TraceId);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        Changed?.Invoke();
    }

    public async Task ShowMoreAsync()
    {
        if (_next is not { } cursor)
        {
            return;
        }

        var version = ++_version;
        var list = await _client.ListAsync(Search, Archived, cursor, _closed);
        if (version == _version)
        {
            (Items, _next) = ([.. Items, .. list.Items], list.Next);
            Changed?.Invoke();
        }
    }

    public Task FindAsync(string? search)
    {
        Search = string.IsNullOrWhiteSpace(search) ? null : search.Trim();
        return RefreshAsync();
    }

    public Task ShowArchivedAsync(bool archived)
    {
        Archived = archived;
        return RefreshAsync();
    }

    /// <summary>A conversation was begun: lists it, and again when it has got its title.</summary>
    public async Task RefreshForTitleAsync(Guid id)
    {
        await RefreshAsync();
        var before = Items.FirstOrDefault(item => item.Id == id)?.Title;
        foreach (var pause in TitlePauses)
        {
            await Task.Delay(pause, _time, _closed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            if (_closed.IsCancellationRequested)
            {
                return;
            }

            await RefreshAsync();
            if (Items.FirstOrDefault(item => item.Id == id)?.Title != before)
            {
                return;
            }
        }
    }

    public void Dispose()
    {
        _closing.Cancel();
        _closing.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The list of conversations cannot be had: status {Status}, code {Code}, trace {TraceId}")]
    private static partial void LogFailed(ILogger logger, int? status, string? code, string? traceId);
}
