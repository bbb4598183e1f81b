using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Faults;
using LlmAspire.DemoGateway.Served;
using LlmAspire.DemoGateway.Spend;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>One call, from its acceptance to its end: its script played at the model's pace, each step recorded before it is sent.</summary>
internal sealed class ChatCall(
    ScriptWriter scripts, AnswerPacer pacer, ServedLog log, GatewayOptions options, LiteLlmConfig config, TimeProvider time, IHostApplicationLifetime lifetime)
{
    /// <param name="asked">The deployment of the alias that was asked for.</param>
    /// <exception cref="GatewayException">It is refused, or failed before anything was sent.</exception>
    public async Task<IResult> RunAsync(HttpContext http, string callId, Deployment asked, ChatCompletionRequest request)
    {
        var plan = options.Faults ? FaultReader.Read(http.Request, request) : FaultPlan.None;
        var script = scripts.Write(request, asked, plan);
        var pace = new AnswerPace(plan.TokensPerSecond ?? options.TokensPerSecond, plan.LatencyMs ?? options.TimeToFirstTokenMs);
        var streamed = request.Stream == true;
        int? logprobs = request.Logprobs == true ? request.TopLogprobs ?? 0 : null;
        IAnswerWriter answer = streamed
            ? new StreamedAnswer(http, callId, script.By.Deployment, asked.Alias, logprobs, plan.NewerProxy, time)
            : new PlainAnswer(http, callId, script.By.Deployment, asked.Alias, logprobs, plan.Retries, config.MaxRetries, time);

        var record = new CallRecord(log, callId, streamed, SpendLogNotes.Of(http.Request, request, plan), script.By);
        using var running = new CallLifetime(endsWithClient: streamed || config.CancelOnDisconnect, http.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await foreach (var step in pacer.PlayAsync(script.Steps, pace, running.Token))
            {
                record.Note(step);
                await answer.WriteAsync(step);
            }

            return http.RequestAborted.IsCancellationRequested ? Results.Empty : answer.Result();
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Like the newer LiteLLM, a stream's model is stopped when nobody listens. At the end of a shutdown it is us who hung up.
            record.Finish(lifetime.ApplicationStopping.IsCancellationRequested ? ServedOutcome.Failed : ServedOutcome.ClientGone);
            return Results.Empty;
        }
        catch
        {
            record.Finish(ServedOutcome.Failed);
            throw;
        }
    }
}
