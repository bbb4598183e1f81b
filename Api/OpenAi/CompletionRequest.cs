using LlmAspire.Api.Llm;
using LlmAspire.Api.Llm.Wire;

namespace LlmAspire.Api.OpenAi;

/// <summary>A chat completion as it was asked for, with what gating and streaming depend on. What of it goes to the gateway is up to <see cref="ProviderRequest"/>.</summary>
/// <param name="TellUsage">Whether a stream is to tell its usage.</param>
internal sealed record CompletionRequest(byte[] Body, string Model, bool IsStreamed, bool TellUsage)
{
    /// <returns>The request, or what is wrong with it.</returns>
    public static (CompletionRequest? Request, GatewayFailure? Fault) Read(byte[] body)
    {
        var (facts, refusal) = RequestReader.Read(body);
        return facts is null ? (null, refusal)
            : Fault(facts) is { } fault ? (null, fault)
            : (new CompletionRequest(body, facts.Model!, facts.IsStreamed, facts.IncludesUsage), null);
    }

    private static GatewayFailure? Fault(RequestFacts request) =>
        string.IsNullOrEmpty(request.Model) ? GatewayFailure.RequestIncomplete("model", "the id of a model; GET /v1/models lists yours")
        : request.Messages is null or 0 ? GatewayFailure.RequestIncomplete("messages", "an array of at least one message")
        : request.HasStreamOptions && !request.IsStreamed ? GatewayFailure.RequestInvalid("stream_options", "it only with \"stream\": true")
        : request.MaxCompletionTokens < 1 ? GatewayFailure.RequestInvalid("max_completion_tokens", "a whole number of at least 1")
        : request.MaxTokens < 1 ? GatewayFailure.RequestInvalid("max_tokens", "a whole number of at least 1")
        : null;
}
