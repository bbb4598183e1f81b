using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;
using LlmAspire.Usage;

namespace LlmAspire.Api.Llm.Forwarding;

/// <summary>
/// Passes a chat completion in OpenAI's form on to the gateway, and the bytes of its answer back. It knows nothing of tokens: the calls go over the one client,
/// whose <see cref="UsageAccountingHandler"/> puts in what every call needs, and gives the end of an answer only when it is durable. Safe to use from several threads.
/// </summary>
internal sealed class CompletionForwarder(IHttpClientFactory clients, TimeProvider time)
{
    /// <summary>How long the end of a body may follow its last event. Without it the connection cannot be used again.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(1);

    private static readonly MediaTypeHeaderValue Json = new("application/json");

    /// <summary>Waits for the whole answer.</summary>
    /// <param name="request">A JSON object.</param>
    /// <param name="context">Of this call alone.</param>
    /// <param name="gone">Says that nobody waits any more.</param>
    /// <returns>A JSON object; or why there is none.</returns>
    public async Task<(ReadOnlyMemory<byte> Answer, GatewayFailure? Failure)> CompleteAsync(byte[] request, CallContext context, CancellationToken gone)
    {
        using var scope = context.Enter();
        await using var leaving = Leaving(context, gone);
        byte[] answer;
        try
        {
            using var response = await SendAsync(request, gone);
            answer = response.IsSuccessStatusCode ? await response.Content.ReadAsByteArrayAsync(gone) : [];
        }
        catch (Exception exception) when (IsFailure(exception, gone))
        {
            return (default, await ExplainAsync(exception, context));
        }

        if (await FailureAsync(context) is { } failure)
        {
            return (default, failure);
        }

        using var document = JsonDocument.Parse(answer);
        var rewritten = new ArrayBufferWriter<byte>(answer.Length + context.ModelAlias.Length);
        AnswerRewriter.Write(document.RootElement, context.ModelAlias, rewritten);
        return (rewritten.WrittenMemory, null);
    }

    /// <summary>Streams the answer to its end, which is <c>[DONE]</c> or an event that tells of a failure.</summary>
    /// <param name="tellUsage">Whether the client wants the usage, which the gateway is asked for in any case.</param>
    /// <param name="beat">How often the client hears of a model that says nothing.</param>
    /// <returns>Why there is no answer, as long as nothing was sent to the client; else null.</returns>
    /// <inheritdoc cref="CompleteAsync"/>
    public async Task<GatewayFailure?> StreamAsync(
        byte[] request, CallContext context, bool tellUsage, ICompletionSink sink, TimeSpan beat, CancellationToken gone)
    {
        using var scope = context.Enter();
        await using var leaving = Leaving(context, gone);
        await using var stream = new ForwardedStream(sink, beat, time);
        GatewayFailure? failure;
        try
        {
            using var response = await SendAsync(request, gone);
            if (response.IsSuccessStatusCode)
            {
                return await CopyAsync(response, context, tellUsage, stream, gone);
            }

            failure = await FailureAsync(context);
        }
        catch (Exception exception) when (IsFailure(exception, gone))
        {
            failure = await ExplainAsync(exception, context);
        }

        return await stream.EndAsync(failure, gone);
    }

    private static async Task<GatewayFailure?> CopyAsync(
        HttpResponseMessage response, CallContext context, bool tellUsage, ForwardedStream stream, CancellationToken gone)
    {
        await using var answer = (AccountedStream)await response.Content.ReadAsStreamAsync(gone);
        answer.Shape(context.ModelAlias, tellUsage);
        while (await answer.ReadEventsAsync(gone) is { IsEmpty: false } events)
        {
            await stream.SendAsync(events, gone);
        }

        var failure = await stream.EndAsync(await FailureAsync(context), gone);
        await ReadEndAsync(answer);
        return failure;
    }

    private static async Task ReadEndAsync(AccountedStream answer)
    {
        using var patience = new CancellationTokenSource(EndPatience);
        try
        {
            _ = await answer.ReadEventsAsync(patience.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The answer is complete: only its connection is lost.
        }
    }

    private async Task<HttpResponseMessage> SendAsync(byte[] body, CancellationToken gone)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/chat/completions") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = Json;
        return await clients.CreateClient(GatewayClient.Name).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, gone);
    }

    /// <summary>First the reason: a call that is left asks for it.</summary>
    private static CancellationTokenRegistration Leaving(CallContext context, CancellationToken gone) =>
        gone.Register(() => context.MarkCancelled(UsageOutcome.Disconnected));

    private static bool IsFailure(Exception exception, CancellationToken gone) =>
        exception is CallRefusedException or HttpRequestException or IOException or LedgerUnavailableException
        || exception is OperationCanceledException && !gone.IsCancellationRequested;

    /// <summary>What an exception means is told by the call, which knows more.</summary>
    private static async Task<GatewayFailure> ExplainAsync(Exception exception, CallContext context) =>
        exception is CallRefusedException refused ? refused.Failure : await FailureAsync(context) ?? GatewayFailure.ConnectionLost;

    /// <summary>Null when the call was made, is complete and durable.</summary>
    private static async Task<GatewayFailure?> FailureAsync(CallContext context)
    {
        try
        {
            return await context.WhenSettledAsync() is [.., var call] ? call.Failure : GatewayFailure.ConnectionLost;
        }
        catch (LedgerUnavailableException)
        {
            return GatewayFailure.AnswerUnrecorded;
        }
    }
}
