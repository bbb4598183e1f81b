using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;
using LlmAspire.DemoGateway.Served;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>One call, from its acceptance to its end: played at the model's pace, recorded before it is sent.</summary>
internal sealed class ChatCall(AnswerPacer pacer, ServedLog log, TimeProvider time, IHostApplicationLifetime lifetime)
{
    public async Task<IResult> RunAsync(
        HttpContext http, string callId, Deployment deployment, ChatCompletionRequest request, ModelAnswer answer)
    {
        var started = time.GetTimestamp();
        var streamed = request.Stream == true;
        var meter = log.Accept(new ServedCallHead(
            callId,
            deployment.Id,
            deployment.Alias,
            deployment.Provider,
            deployment.Model,
            streamed,
            answer.PromptTokens,
            answer.CachedTokens,
            answer.CacheWriteTokens));
        var identity = AnswerIdentity.New(deployment, time.GetUtcNow());
        try
        {
            if (streamed)
            {
                LiteLlmHeaders.WriteStreamed(http.Response.Headers, callId, deployment);
                await StreamAsync(new StreamedAnswer(http.Response, identity, http.RequestAborted), http, deployment, request, answer, meter);
                return Results.Empty;
            }

            var completion = await CollectAsync(new PlainAnswer(identity), http, deployment, answer, meter);
            LiteLlmHeaders.WritePlain(http.Response.Headers, callId, deployment, time.GetElapsedTime(started));
            return JsonBody.Of(completion, GatewayJson.Wire.ChatCompletion);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Like the newer LiteLLM, the model is stopped when nobody listens. At the end of a shutdown it is us who hung up.
            meter.Finish(lifetime.ApplicationStopping.IsCancellationRequested ? ServedOutcome.Failed : ServedOutcome.ClientGone);
            return Results.Empty;
        }
        catch
        {
            meter.Finish(ServedOutcome.Failed);
            throw;
        }
    }

    private async Task StreamAsync(
        StreamedAnswer stream, HttpContext http, Deployment deployment, ChatCompletionRequest request, ModelAnswer answer, ServedMeter meter)
    {
        await foreach (var step in pacer.PlayAsync(answer.Steps, http.RequestAborted))
        {
            meter.Count(step.Tokens, step is ReasoningStep);
            await stream.WriteAsync(step);
        }

        // Before the client can know that the call has ended.
        meter.Finish(ServedOutcome.Completed);
        await stream.EndAsync(answer.FinishReason, request.StreamOptions?.IncludeUsage == true ? Usage(deployment, answer, meter) : null);
    }

    private async Task<ChatCompletion> CollectAsync(
        PlainAnswer plain, HttpContext http, Deployment deployment, ModelAnswer answer, ServedMeter meter)
    {
        await foreach (var step in pacer.PlayAsync(answer.Steps, http.RequestAborted))
        {
            meter.Count(step.Tokens, step is ReasoningStep);
            plain.Add(step);
        }

        meter.Finish(ServedOutcome.Completed);
        return plain.End(answer.FinishReason, Usage(deployment, answer, meter));
    }

    private static TokenUsage Usage(Deployment deployment, ModelAnswer answer, ServedMeter meter) => TokenUsage.For(
        deployment.Provider, answer.PromptTokens, answer.CachedTokens, answer.CacheWriteTokens, meter.CompletionTokens, meter.ReasoningTokens);
}
