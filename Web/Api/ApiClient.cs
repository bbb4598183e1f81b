using System.Net.ServerSentEvents;
using System.Text.Json;
using LlmAspire.Web.Chat;
using LlmAspire.Web.Compare;
using LlmAspire.Web.Models;
using LlmAspire.Web.Prompts;
using LlmAspire.Web.Tools;

namespace LlmAspire.Web.Api;

/// <summary>
/// The Api's HTTP interface, as far as the front end uses it. Every failure but cancellation is an <see cref="ApiException"/>.
/// Thread-safe.
/// </summary>
public sealed class ApiClient(ApiConnection api)
{
    /// <summary>Says that the gateway is away and the list of models is the last one known.</summary>
    public const string StaleHeader = "X-Models-Stale";

    public async Task<ModelList> GetModelsAsync(CancellationToken cancellationToken = default)
    {
        using var response = await api.SendAsync(HttpMethod.Get, "/llm/models", null, cancellationToken);
        var models = await response.ReadAsync<IReadOnlyList<ModelInfo>>(cancellationToken);
        var stale = response.Headers.TryGetValues(StaleHeader, out var values)
            && values.Contains("true", StringComparer.OrdinalIgnoreCase);
        return new ModelList(models, stale);
    }

    /// <summary>The tools of the user's plan, and those it lacks.</summary>
    public async Task<IReadOnlyList<ToolInfo>> GetToolsAsync(CancellationToken cancellationToken = default)
    {
        using var response = await api.SendAsync(HttpMethod.Get, "/chat/tools?include=locked", null, cancellationToken);
        return await response.ReadAsync<IReadOnlyList<ToolInfo>>(cancellationToken);
    }

    /// <summary>
    /// Sends a message; yields the events of the answer as they come, each with its id. The last one is <see cref="AnswerDone"/> or
    /// <see cref="AnswerFailed"/>: a stream that ends otherwise throws.
    /// </summary>
    /// <param name="cancellationToken">Ends the reading only. The run belongs to the Api: <see cref="StopRunAsync"/> ends it.</param>
    public IAsyncEnumerable<SseItem<ChatEvent>> StreamChatAsync(ChatRequest chat, CancellationToken cancellationToken = default) =>
        StreamAsync(HttpMethod.Post, "/chat", chat, null, cancellationToken);

    /// <summary>Goes on with an answer that was stopped or interrupted.</summary>
    /// <inheritdoc cref="StreamChatAsync"/>
    public IAsyncEnumerable<SseItem<ChatEvent>> ContinueRunAsync(string runId, CancellationToken cancellationToken = default) =>
        StreamAsync(HttpMethod.Post, $"/chat/runs/{Uri.EscapeDataString(runId)}/continue", null, null, cancellationToken);

    /// <summary>The events of a run, stored and live.</summary>
    /// <param name="lastEventId">The last one that is known; null for all.</param>
    /// <inheritdoc cref="StreamChatAsync"/>
    public IAsyncEnumerable<SseItem<ChatEvent>> FollowRunAsync(string runId, string? lastEventId, CancellationToken cancellationToken = default) =>
        StreamAsync(HttpMethod.Get, $"/chat/runs/{Uri.EscapeDataString(runId)}/events", null, lastEventId, cancellationToken);

    /// <summary>Has a model write a system prompt; ends as <see cref="StreamChatAsync"/> does.</summary>
    /// <param name="cancellationToken">Ends the writing: nobody else reads it.</param>
    public IAsyncEnumerable<SseItem<ChatEvent>> WritePromptAsync(WritePrompt prompt, CancellationToken cancellationToken = default) =>
        StreamAsync(HttpMethod.Post, "/prompts/system", prompt, null, cancellationToken);

    /// <summary>
    /// Has several models answer a message, all of them or for the first good answer (<see cref="RaceRequest"/>); yields the events of all as they come. The last one is
    /// <see cref="ComparisonDone"/>: a stream that ends otherwise throws.
    /// </summary>
    /// <param name="cancellationToken"><inheritdoc cref="StreamChatAsync" path="/param[@name='cancellationToken']"/></param>
    public IAsyncEnumerable<SseItem<CompareEvent>> StreamCompareAsync(CompareRequest compare, CancellationToken cancellationToken = default) =>
        api.ReadEventsAsync<CompareEvent>(
            HttpMethod.Post, compare is RaceRequest ? "/chat/race" : "/chat/compare", compare, null, ParseCompareEvent, next => next is ComparisonDone, cancellationToken);

    private IAsyncEnumerable<SseItem<ChatEvent>> StreamAsync(
        HttpMethod method, string path, object? body, string? lastEventId, CancellationToken cancellationToken) =>
        api.ReadEventsAsync<ChatEvent>(method, path, body, lastEventId, ParseEvent, next => next is AnswerDone or AnswerFailed, cancellationToken);

    /// <summary>Asks the Api to stop a run. Its stream then ends with the usage so far. A run that ended already is no error.</summary>
    public async Task StopRunAsync(string runId, CancellationToken cancellationToken = default)
    {
        try
        {
            using var response = await api.SendAsync(HttpMethod.Delete, $"/chat/runs/{Uri.EscapeDataString(runId)}", null, cancellationToken);
        }
        catch (ApiException exception) when (exception.Problem.Status == StatusCodes.Status404NotFound)
        {
        }
    }

    /// <summary>
    /// One event. As bytes, with the type in front:
    /// <code>
    /// event: delta
    /// id: 0199…:1:7
    /// data: {"text":"Hello"}
    /// </code>
    /// Null for a type this version does not know.
    /// </summary>
    private static ChatEvent? ParseEvent(string eventType, ReadOnlySpan<byte> data) => eventType switch
    {
        "run" => Read<RunStarted>(data),
        "delta" => Read<TextDelta>(data),
        "tool" => Read<ToolCall>(data),
        "reset" => Read<TextReset>(data),
        "usage" => Read<CallUsage>(data),
        "done" => Read<AnswerDone>(data),
        "error" => new AnswerFailed(Read<Problem>(data)),
        _ => null,
    };

    /// <summary>
    /// One event of a comparison or a race: those of an answer as above, with whose they are.
    /// <code>
    /// event: delta
    /// id: 0199…:1:7
    /// data: {"text":"Hello","runId":"0199…","model":"chat-default"}
    /// </code>
    /// </summary>
    private static CompareEvent? ParseCompareEvent(string eventType, ReadOnlySpan<byte> data)
    {
        switch (eventType)
        {
            case "runs":
                return Read<ComparisonStarted>(data);
            case "winner":
                return Read<RaceWon>(data);
            default:
                return Read<EventTag>(data) is { RunId: { } run }
                    ? ParseEvent(eventType, data) is { } next ? new ComparedEvent(run, next) : null
                    : eventType == "done" ? Read<ComparisonDone>(data) : null;
        }
    }

    private static T Read<T>(ReadOnlySpan<byte> data) =>
        JsonSerializer.Deserialize<T>(data, JsonSerializerOptions.Web) ?? throw new JsonException("The data of the event is null.");

    private sealed record EventTag(string? RunId);
}
