using System.Text.Json;
using LlmAspire.Usage;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Llm;

/// <summary>
/// The one place where calls to providers are counted: every chat completion that goes to the gateway becomes one
/// settle event, read from the bytes of the answer. Other requests to the gateway pass untouched.
/// </summary>
public sealed class UsageAccountingHandler(
    IUsageEventWriter writer,
    IModelCatalog catalog,
    IOptions<GatewayOptions> options,
    TimeProvider time,
    ILogger<UsageAccountingHandler> logger) : DelegatingHandler
{
    /// <summary>LiteLLM adopts this id and gives it back, and logs it: it is the id of the row.</summary>
    internal const string CallIdHeader = "x-litellm-call-id";

    private const int MaxErrorBytes = 64 * 1024;

    /// <exception cref="InvalidOperationException">When a chat completion is asked for outside a <see cref="CallContext"/>.</exception>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!IsChatCompletion(request))
        {
            return await base.SendAsync(request, cancellationToken);
        }

        var context = CallContext.Current
            ?? throw new InvalidOperationException("A model was called outside a CallContext: the ledger would not know for whom. Enter one first.");
        var call = new ProviderCall(context, writer, catalog, time, options.Value.SettleTimeout, logger);
        request.Headers.Remove(CallIdHeader);
        request.Headers.Add(CallIdHeader, call.Id.ToString());

        HttpResponseMessage response;
        try
        {
            response = await base.SendAsync(request, cancellationToken);
        }
        catch (Exception exception)
        {
            await call.BreakAsync(null, exception);
            throw;
        }

        try
        {
            call.TakeHeaders(response.Headers);
            if (!response.IsSuccessStatusCode)
            {
                var (error, text) = await ReadErrorAsync(response.Content, cancellationToken);
                await call.FailAsync(GatewayFailure.From((int)response.StatusCode, error), text);
                return response;
            }

            response.Content = await AccountAsync(response.Content, call, cancellationToken);
            return response;
        }
        catch (Exception exception)
        {
            response.Dispose();
            await call.BreakAsync(null, exception);
            throw;
        }
    }

    private static bool IsChatCompletion(HttpRequestMessage request) =>
        request.Method == HttpMethod.Post
        && request.RequestUri?.AbsolutePath.EndsWith("/chat/completions", StringComparison.OrdinalIgnoreCase) == true;

    private static async Task<HttpContent> AccountAsync(HttpContent content, ProviderCall call, CancellationToken cancellationToken)
    {
        AnswerReader answer = content.Headers.ContentType?.MediaType == "text/event-stream"
            ? new StreamedAnswerReader()
            : new PlainAnswerReader();
        var accounted = new StreamContent(new AccountedStream(await content.ReadAsStreamAsync(cancellationToken), call, answer));
        foreach (var (name, values) in content.Headers)
        {
            accounted.Headers.TryAddWithoutValidation(name, values);
        }

        return accounted;
    }

    private static async Task<(JsonElement? Error, string? Text)> ReadErrorAsync(HttpContent content, CancellationToken cancellationToken)
    {
        try
        {
            // Buffered, so that the caller can read it again.
            await content.LoadIntoBufferAsync(MaxErrorBytes, cancellationToken);
            var text = await content.ReadAsStringAsync(cancellationToken);
            try
            {
                using var document = JsonDocument.Parse(text);
                return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("error", out var error)
                    ? (error.Clone(), text)
                    : (null, text);
            }
            catch (JsonException)
            {
                return (null, text);
            }
        }
        catch (HttpRequestException)
        {
            // Too long or broken off: the status says enough.
            return (null, null);
        }
    }
}
