using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Llm;

/// <summary>What a call would use, before it is made. Safe to use from several threads.</summary>
internal sealed class CallEstimator(CallAccounting accounting)
{
    /// <summary>
    /// Lets the SDK write the request as it would be sent, and sends it nowhere: so the reserve is, to the byte, the one that <see cref="ProviderCall"/> takes.
    /// </summary>
    public async Task<CallEstimate> EstimateAsync(
        ChatModel model, Guid userId, IEnumerable<ChatMessage> messages, ChatOptions options, CancellationToken cancellationToken)
    {
        using var nowhere = new Nowhere(userId, accounting.OutputCap(model.Id));
        using var http = new HttpClient(nowhere);
        using var client = LlmExtensions.CreateOpenAIClient(accounting.Gateway.Value, http);
        await foreach (var _ in client.GetStreamingResponseAsync(messages, options, cancellationToken))
        {
            // The answer is empty.
        }

        var request = nowhere.Request!;
        return new CallEstimate(accounting.Estimator.CountPrompt(model.Id, request.Body), request.OutputCap, request.PromptBound + request.OutputCap);
    }

    private sealed class Nowhere(Guid userId, int outputCap) : HttpMessageHandler
    {
        public ProviderRequest? Request { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Request = await ProviderRequest.ReadAsync(request.Content, userId, outputCap, cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent("", MediaTypeHeaderValue.Parse("text/event-stream")),
            };
        }
    }
}

/// <param name="PromptTokens">As the tokenizer counts them; the provider's own number can differ a little.</param>
/// <param name="MaxOutputTokens">The output cap that goes with the call.</param>
/// <param name="Reserved">What the call reserves: a bound on the prompt, from its bytes, and the output cap.</param>
internal sealed record CallEstimate(long PromptTokens, long MaxOutputTokens, long Reserved);
