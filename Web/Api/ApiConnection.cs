using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using LlmAspire.Web.Identity;

namespace LlmAspire.Web.Api;

/// <summary>The way to the Api of whoever uses a circuit: with their token, and once more with another one when it is refused. Thread-safe.</summary>
public sealed class ApiConnection(HttpClient http, TimeProvider time, IAccessTokens tokens)
{
    /// <summary>Sends a request with a short answer that is read whole.</summary>
    /// <param name="body">Sent as JSON when it is not null, and <see cref="CsvText"/> as CSV.</param>
    /// <param name="patience">How long the answer may take; null for the usual few seconds.</param>
    /// <exception cref="ApiException">It failed.</exception>
    public Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, object? body, CancellationToken cancellationToken, TimeSpan? patience = null) =>
        SendAsync(() => Create(method, path, body), request => http.SendShortAsync(request, time, cancellationToken, patience), cancellationToken);

    /// <summary>Sends a request whose answer is a stream of events.</summary>
    /// <inheritdoc cref="SendAsync(HttpMethod, string, object?, CancellationToken, TimeSpan?)"/>
    public Task<HttpResponseMessage> StreamAsync(
        HttpMethod method, string path, object? body, string? lastEventId, CancellationToken cancellationToken) =>
        SendAsync(
            () =>
            {
                var request = Create(method, path, body);
                request.Headers.Accept.ParseAdd("text/event-stream");
                if (lastEventId is not null)
                {
                    request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
                }

                return request;
            },
            request => http.SendForStreamAsync(request, time, cancellationToken),
            cancellationToken);

    /// <summary>Sends a request whose answer is a stream of events, and yields them as they come.</summary>
    /// <param name="parse">Gives null for an event of a newer Api, which is left out.</param>
    /// <param name="isLast">Which event ends the stream: one that ends otherwise throws.</param>
    /// <inheritdoc cref="SendAsync(HttpMethod, string, object?, CancellationToken, TimeSpan?)" path="/exception"/>
    public async IAsyncEnumerable<SseItem<T>> ReadEventsAsync<T>(
        HttpMethod method,
        string path,
        object? body,
        string? lastEventId,
        SseItemParser<T?> parse,
        Func<T, bool> isLast,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
        where T : class
    {
        var response = await StreamAsync(method, path, body, lastEventId, cancellationToken);
        IAsyncEnumerator<SseItem<T?>> events;
        try
        {
            var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            events = SseParser.Create(stream, parse).EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        }
        catch (Exception exception) when (ApiRequests.Translate(exception, cancellationToken) is { } translated)
        {
            response.Dispose();
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
                catch (Exception exception) when (ApiRequests.Translate(exception, cancellationToken, ProblemCodes.BrokenStream) is { } translated)
                {
                    throw translated;
                }

                if (events.Current.Data is not { } next)
                {
                    continue; // an event of a newer Api
                }

                yield return new SseItem<T>(next, events.Current.EventType) { EventId = events.Current.EventId };
                if (isLast(next))
                {
                    yield break;
                }
            }
        }

        throw new ApiException(new Problem(Title: "The stream ended early.", Code: ProblemCodes.BrokenStream));
    }

    public async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var response = await SendAsync(HttpMethod.Get, path, null, cancellationToken, patience);
        return await response.ReadAsync<T>(cancellationToken);
    }

    public Task<T> PostAsync<T>(string path, object body, CancellationToken cancellationToken, TimeSpan? patience = null) =>
        SendAsync<T>(HttpMethod.Post, path, body, cancellationToken, patience);

    public async Task<T> SendAsync<T>(HttpMethod method, string path, object body, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var response = await SendAsync(method, path, body, cancellationToken, patience);
        return await response.ReadAsync<T>(cancellationToken);
    }

    private async Task<HttpResponseMessage> SendAsync(
        Func<HttpRequestMessage> create, Func<HttpRequestMessage, Task<HttpResponseMessage>> send, CancellationToken cancellationToken)
    {
        var token = await tokens.GetAsync(cancellationToken);
        try
        {
            using var request = Authorized(create(), token);
            return await send(request);
        }
        catch (ApiException exception) when (token is not null && exception.Problem.Status == StatusCodes.Status401Unauthorized)
        {
            if (await tokens.RefreshAsync(token, cancellationToken) is not { } fresh)
            {
                throw;
            }

            using var again = Authorized(create(), fresh);
            return await send(again);
        }
    }

    private static HttpRequestMessage Create(HttpMethod method, string path, object? body) =>
        new(method, path)
        {
            Content = body switch
            {
                null => null,
                CsvText csv => new StringContent(csv.Text, Encoding.UTF8, "text/csv"),
                _ => JsonContent.Create(body, body.GetType()),
            },
        };

    private static HttpRequestMessage Authorized(HttpRequestMessage request, string? token)
    {
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return request;
    }
}

/// <summary>A body that is CSV.</summary>
public sealed record CsvText(string Text);
