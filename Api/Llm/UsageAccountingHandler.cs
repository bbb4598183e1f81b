using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using LlmAspire.Api.Llm.Wire;
using LlmAspire.Usage;

namespace LlmAspire.Api.Llm;

/// <summary>
/// The one place where calls to providers are counted: every chat completion that goes to the gateway is written down before it is sent, and becomes one
/// settle event, read from the bytes of the answer. Other requests to the gateway pass untouched.
/// </summary>
internal sealed class UsageAccountingHandler(CallAccounting accounting) : DelegatingHandler
{
    /// <summary>LiteLLM adopts this id and gives it back, and logs it: it is the id of the row.</summary>
    internal const string CallIdHeader = "x-litellm-call-id";

    private const int MaxErrorBytes = 64 * 1024;

    /// <exception cref="InvalidOperationException">When a chat completion is asked for outside a <see cref="CallContext"/>.</exception>
    /// <exception cref="CallRefusedException">When the call cannot be written down, or cannot be read: nothing was sent.</exception>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!IsChatCompletion(request))
        {
            return await base.SendAsync(request, cancellationToken);
        }

        var context = CallContext.Current
            ?? throw new InvalidOperationException("A model was called outside a CallContext: the ledger would not know for whom. Enter one first.");
        var body = await ProviderRequest.ReadAsync(request.Content, context.UserId, accounting.OutputCap(context.ModelAlias), cancellationToken);
        var call = new ProviderCall(context, body, accounting);
        await call.OpenAsync(cancellationToken);
        if (cancellationToken.IsCancellationRequested || call.Life.IsCancellationRequested)
        {
            call.LeaveUnsent();
            cancellationToken.ThrowIfCancellationRequested();
            throw new CallRefusedException(GatewayFailure.ServerStopping);
        }

        Task<HttpResponseMessage> sending;
        try
        {
            // Not the caller's token: it may leave, and the call go on.
            sending = base.SendAsync(Copy(request, call), call.Life);
        }
        catch (Exception exception)
        {
            await call.BreakAsync(null, exception);
            throw;
        }

        HttpResponseMessage response;
        try
        {
            response = await sending.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Leave(sending, call);
            throw;
        }
        catch (Exception exception)
        {
            await call.BreakAsync(null, exception);
            throw;
        }

        try
        {
            if (!response.IsSuccessStatusCode)
            {
                await FailAsync(response, call);
                return response;
            }

            response.Content = new AccountedContent(await OpenAnswerAsync(response, call), call.Request.IsStreamed);
            return response;
        }
        catch (Exception exception)
        {
            response.Dispose();
            await call.BreakAsync(null, exception);
            throw;
        }
    }

    /// <summary>A request of our own: the caller may dispose of its while it is being sent.</summary>
    private static HttpRequestMessage Copy(HttpRequestMessage request, ProviderCall call)
    {
        var copy = new HttpRequestMessage(request.Method, request.RequestUri)
        {
            Version = request.Version,
            VersionPolicy = request.VersionPolicy,
            Content = new SentContent(call),
        };
        foreach (var (name, values) in request.Headers)
        {
            copy.Headers.TryAddWithoutValidation(name, values);
        }

        copy.Headers.Remove(CallIdHeader);
        copy.Headers.Add(CallIdHeader, call.Id.ToString());
        copy.Headers.Remove(GatewayCallMetadata.Header);
        copy.Headers.Add(GatewayCallMetadata.Header, GatewayCallMetadata.Of(call.Id));
        return copy;
    }

    /// <summary>The caller left before the answer began.</summary>
    private void Leave(Task<HttpResponseMessage> sending, ProviderCall call)
    {
        // Either settles the call, which the context and the end of the process wait for.
        if (accounting.Active.TryBeginDrain(call.Request.IsStreamed))
        {
            call.LimitDrain();
            _ = DrainAsync(sending, call);
        }
        else
        {
            call.End();
            call.Leave(null);
            _ = DisposeAsync(sending);
        }
    }

    /// <summary>Waits for the answer of a call that nobody waits for, and reads it to its end. Never fails.</summary>
    private async Task DrainAsync(Task<HttpResponseMessage> sending, ProviderCall call)
    {
        try
        {
            using var response = await sending;
            if (!response.IsSuccessStatusCode)
            {
                await FailAsync(response, call);
                return;
            }

            var answer = await OpenAnswerAsync(response, call);
            await answer.DrainAsync();
        }
        catch (Exception)
        {
            // Cut, or broken: nothing is known of the answer.
            call.Leave(null);
        }
        finally
        {
            accounting.Active.EndDrain();
        }
    }

    private static async Task DisposeAsync(Task<HttpResponseMessage> sending)
    {
        await ((Task)sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (sending.IsCompletedSuccessfully)
        {
            (await sending).Dispose();
        }
    }

    private static bool IsChatCompletion(HttpRequestMessage request) =>
        request.Method == HttpMethod.Post
        && request.RequestUri?.AbsolutePath.EndsWith("/chat/completions", StringComparison.OrdinalIgnoreCase) == true;

    private static async Task FailAsync(HttpResponseMessage response, ProviderCall call)
    {
        call.Begin(response.Headers, null);
        var (error, text) = await ReadErrorAsync(response.Content, call.Life);
        await call.FailAsync(GatewayFailure.From((int)response.StatusCode, error), text);
    }

    private async Task<AccountedStream> OpenAnswerAsync(HttpResponseMessage response, ProviderCall call)
    {
        var cleaner = new ChunkCleaner($"chatcmpl-{call.Id:N}", accounting.Time.GetUtcNow().ToUnixTimeSeconds(), call.ModelAlias);
        var answer = new AnswerReader(call.Request.IsStreamed, call.Request.Choices, cleaner);
        call.Begin(response.Headers, answer.Facts);
        return new AccountedStream(await response.Content.ReadAsStreamAsync(call.Life), call, answer, accounting.Active);
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

    /// <summary>The body of a call, which tells it when it goes out: a call that no gateway accepted used nothing.</summary>
    private sealed class SentContent : HttpContent
    {
        private static readonly MediaTypeHeaderValue Json = new("application/json");

        private readonly ProviderCall _call;

        public SentContent(ProviderCall call)
        {
            _call = call;
            Headers.ContentType = Json;
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            _call.MarkSent();
            await stream.WriteAsync(_call.Request.Body, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _call.Request.Body.Length;
            return true;
        }
    }
}
