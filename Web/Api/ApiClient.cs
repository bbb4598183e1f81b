using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using LlmAspire.Web.Chat;
using LlmAspire.Web.Models;

namespace LlmAspire.Web.Api;

/// <summary>
/// The Api's HTTP interface, as far as the front end uses it. Every failure but cancellation is an <see cref="ApiException"/>.
/// Thread-safe.
/// </summary>
public sealed class ApiClient(HttpClient http, TimeProvider time)
{
    /// <summary>Says that the gateway is away and the list of models is the last one known.</summary>
    public const string StaleHeader = "X-Models-Stale";

    /// <summary>For requests with a short answer. A stream has no time limit: the user's patience is one, and Stop its button.</summary>
    private static readonly TimeSpan ShortTimeout = TimeSpan.FromSeconds(10);

    public async Task<ModelList> GetModelsAsync(CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/llm/models");
        using var deadline = new Deadline(time, cancellationToken);
        try
        {
            using var response = await SendAsync(request, deadline.Token);
            var models = await response.Content.ReadFromJsonAsync<IReadOnlyList<ModelInfo>>(deadline.Token);
            var stale = response.Headers.TryGetValues(StaleHeader, out var values)
                && values.Contains("true", StringComparer.OrdinalIgnoreCase);
            return new ModelList(models ?? [], stale);
        }
        catch (Exception exception) when (Translate(exception, cancellationToken) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>
    /// Sends a message; yields the events of the answer as they come. The last one is <see cref="AnswerDone"/> or
    /// <see cref="AnswerFailed"/>: a stream that ends otherwise throws.
    /// </summary>
    /// <param name="cancellationToken">Ends the reading only. The run belongs to the Api: <see cref="StopRunAsync"/> ends it.</param>
    public async IAsyncEnumerable<ChatEvent> StreamChatAsync(
        ChatRequest chat, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat") { Content = JsonContent.Create(chat) };
        request.Headers.Accept.ParseAdd("text/event-stream");
        HttpResponseMessage response;
        IAsyncEnumerator<SseItem<ChatEvent?>> events;
        try
        {
            response = await SendAsync(request, cancellationToken);
            var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            events = SseParser.Create(stream, ParseEvent).EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        }
        catch (Exception exception) when (Translate(exception, cancellationToken) is { } translated)
        {
            throw translated;
        }

        using (response)
        await using (events)
        {
            while (true)
            {
                try
                {
                    if (!await events.MoveNextAsync())
                    {
                        break;
                    }
                }
                catch (Exception exception) when (Translate(exception, cancellationToken, ProblemCodes.BrokenStream) is { } translated)
                {
                    throw translated;
                }

                if (events.Current.Data is not { } next)
                {
                    continue; // an event of a newer Api
                }

                yield return next;
                if (next is AnswerDone or AnswerFailed)
                {
                    yield break;
                }
            }
        }

        throw new ApiException(new Problem(Title: "The stream ended early.", Code: ProblemCodes.BrokenStream));
    }

    /// <summary>Asks the Api to stop a run. Its stream then ends with the usage so far. A run that ended already is no error.</summary>
    public async Task StopRunAsync(string runId, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"/chat/runs/{Uri.EscapeDataString(runId)}");
        using var deadline = new Deadline(time, cancellationToken);
        try
        {
            using var response = await SendAsync(request, deadline.Token);
        }
        catch (ApiException exception) when (exception.Problem.Status == StatusCodes.Status404NotFound)
        {
        }
        catch (Exception exception) when (Translate(exception, cancellationToken) is { } translated)
        {
            throw translated;
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
        "usage" => Read<CallUsage>(data),
        "done" => Read<AnswerDone>(data),
        "error" => new AnswerFailed(Read<Problem>(data)),
        _ => null,
    };

    private static T Read<T>(ReadOnlySpan<byte> data) =>
        JsonSerializer.Deserialize<T>(data, JsonSerializerOptions.Web) ?? throw new JsonException("The data of the event is null.");

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw new ApiException(await ReadProblemAsync(response, cancellationToken), ReadRetryAfter(response));
        }
    }

    private static async Task<Problem> ReadProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        if (response.Content.Headers.ContentType?.MediaType is "application/problem+json" or "application/json")
        {
            try
            {
                var problem = await response.Content.ReadFromJsonAsync<Problem>(cancellationToken);
                return (problem ?? new Problem()) with { Status = status };
            }
            catch (JsonException)
            {
                // A proxy between us and the Api may answer anything; the status still says what happened.
            }
        }

        return new Problem(Title: response.ReasonPhrase, Status: status);
    }

    private TimeSpan? ReadRetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - time.GetUtcNow(),
        _ => null,
    };

    /// <summary>The exception to throw instead; null for one that is to pass: the caller's own cancellation, and bugs.</summary>
    private static ApiException? Translate(Exception exception, CancellationToken callers, string code = ProblemCodes.Unreachable) =>
        exception switch
        {
            OperationCanceledException when callers.IsCancellationRequested => null,
            OperationCanceledException or HttpRequestException or IOException =>
                new ApiException(new Problem(Title: "The Api does not answer.", Code: code), inner: exception),
            JsonException or NotSupportedException =>
                new ApiException(new Problem(Title: "The Api's answer cannot be read.", Code: ProblemCodes.Malformed), inner: exception),
            _ => null,
        };

    /// <summary>The caller's cancellation, or the time limit of a short request.</summary>
    private sealed class Deadline : IDisposable
    {
        private readonly CancellationTokenSource _timeout;
        private readonly CancellationTokenSource _linked;

        public Deadline(TimeProvider time, CancellationToken cancellationToken)
        {
            _timeout = new CancellationTokenSource(ShortTimeout, time);
            _linked = CancellationTokenSource.CreateLinkedTokenSource(_timeout.Token, cancellationToken);
        }

        public CancellationToken Token => _linked.Token;

        public void Dispose()
        {
            _linked.Dispose();
            _timeout.Dispose();
        }
    }
}
