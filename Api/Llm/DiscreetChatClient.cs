using System.ClientModel;
using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Llm;

/// <summary>
/// Takes the gateway's words out of the SDK's exceptions, which telemetry writes into spans: they may quote the prompt. What happened is known
/// to the accounting handler.
/// </summary>
internal sealed class DiscreetChatClient(IChatClient inner) : DelegatingChatClient(inner)
{
    /// <exception cref="HttpRequestException">The gateway answered with an error status.</exception>
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        try
        {
            return await base.GetResponseAsync(messages, options, cancellationToken);
        }
        catch (ClientResultException exception)
        {
            throw Discreet(exception);
        }
    }

    /// <exception cref="HttpRequestException">The gateway answered with an error status.</exception>
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var updates = base.GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await MoveNextAsync(updates))
        {
            yield return updates.Current;
        }
    }

    private static async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<ChatResponseUpdate> updates)
    {
        try
        {
            return await updates.MoveNextAsync();
        }
        catch (ClientResultException exception)
        {
            throw Discreet(exception);
        }
    }

    private static HttpRequestException Discreet(ClientResultException exception) =>
        new($"The gateway answered {exception.Status}.", null, (HttpStatusCode)exception.Status);
}
