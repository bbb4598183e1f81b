using System.Text.Json;

namespace LlmAspire.Web.Api;

/// <summary>How every request to the Api is sent and its failure told: as an <see cref="ApiException"/>. Only the caller's cancellation passes.</summary>
internal static class ApiRequests
{
    /// <summary>For requests with a short answer. A stream has no time limit: the user's patience is one, and Stop its button.</summary>
    private static readonly TimeSpan ShortTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Sends a request whose answer is short, and reads all of it.</summary>
    /// <param name="patience">How long it may take; null for the usual.</param>
    public static async Task<HttpResponseMessage> SendShortAsync(
        this HttpClient http, HttpRequestMessage request, TimeProvider time, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var timeout = new CancellationTokenSource(patience ?? ShortTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseContentRead, either.Token);
            return await SucceededAsync(response, time, either.Token);
        }
        catch (Exception exception) when (Translate(exception, cancellationToken) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Sends a request whose answer is a stream.</summary>
    public static async Task<HttpResponseMessage> SendForStreamAsync(
        this HttpClient http, HttpRequestMessage request, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return await SucceededAsync(response, time, cancellationToken);
        }
        catch (Exception exception) when (Translate(exception, cancellationToken) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>The JSON of an answer of <see cref="SendShortAsync"/>.</summary>
    public static async Task<T> ReadAsync<T>(this HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync<T>(cancellationToken) ?? throw new JsonException("The answer is null.");
        }
        catch (Exception exception) when (Translate(exception, cancellationToken) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>The exception to throw instead; null for one that is to pass: the caller's own cancellation, and bugs.</summary>
    public static ApiException? Translate(Exception exception, CancellationToken callers, string code = ProblemCodes.Unreachable) =>
        exception switch
        {
            OperationCanceledException when callers.IsCancellationRequested => null,
            OperationCanceledException or HttpRequestException or IOException =>
                new ApiException(new Problem(Title: "The Api does not answer.", Code: code), inner: exception),
            JsonException or NotSupportedException =>
                new ApiException(new Problem(Title: "The Api's answer cannot be read.", Code: ProblemCodes.Malformed), inner: exception),
            _ => null,
        };

    private static async Task<HttpResponseMessage> SucceededAsync(HttpResponseMessage response, TimeProvider time, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw new ApiException(await ReadProblemAsync(response, cancellationToken), ReadRetryAfter(response, time));
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

    private static TimeSpan? ReadRetryAfter(HttpResponseMessage response, TimeProvider time) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - time.GetUtcNow(),
        _ => null,
    };
}
