using System.Text;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>Collects an answer into one body.</summary>
/// <param name="alias">What was asked for.</param>
/// <param name="logprobs">How many likely tokens to tell with each; null for no likelihoods at all.</param>
/// <param name="retries">Attempts that failed before the one that served.</param>
internal sealed class PlainAnswer(
    HttpContext http, string callId, Deployment deployment, string alias, int? logprobs, int retries, int maxRetries, TimeProvider time) : IAnswerWriter
{
    private readonly long _started = time.GetTimestamp();
    private readonly StringBuilder _text = new();
    private readonly List<(ToolCallStep Call, StringBuilder Arguments)> _calls = [];
    private readonly List<TokenLogprob> _likely = [];
    private readonly List<Choice> _choices = [];
    private Deployment _deployment = deployment;
    private TokenUsage? _usage;
    private bool _done;

    public Task WriteAsync(AnswerStep step)
    {
        switch (step)
        {
            case TextStep text:
                _text.Append(text.Text);
                if (logprobs is { } top)
                {
                    _likely.Add(Logprobs.Of(text.Text, top));
                }

                break;
            case NextChoiceStep next:
                EndChoice(next.FinishReason);
                break;
            case ToolCallStep call:
                _calls.Add((call, new StringBuilder()));
                break;
            case ToolArgumentsStep arguments:
                _calls[arguments.Index].Arguments.Append(arguments.Json);
                break;
            case TakeOverStep takeOver:
                _deployment = takeOver.By.Deployment;
                _text.Clear();
                _calls.Clear();
                _likely.Clear();
                _choices.Clear();
                break;
            case FinishStep finish:
                EndChoice(finish.Reason);
                break;
            case UsageStep usage:
                _usage = usage.Usage;
                break;
            case DoneStep:
                _done = true;
                break;
            case ErrorStep error:
                throw error.BeforeHeaders;
            case ResetStep:
                http.Abort();
                break;
        }

        return Task.CompletedTask;
    }

    public IResult Result()
    {
        if (!_done)
        {
            return Results.Empty;
        }

        LiteLlmHeaders.WritePlain(
            http.Response.Headers, callId, _deployment, time.GetElapsedTime(_started), retries, maxRetries, fallbacks: _deployment.Alias == alias ? 0 : 1);
        return JsonBody.Of(Completion(), GatewayJson.Wire.ChatCompletion);
    }

    private ChatCompletion Completion()
    {
        // Served by a fallback, and only then, an answer names the provider's model.
        var identity = AnswerIdentity.New(_deployment, _deployment.Alias == alias ? alias : _deployment.Model, time.GetUtcNow());
        return new ChatCompletion(
            identity.Id,
            identity.Created,
            identity.Model,
            "chat.completion",
            identity.SystemFingerprint,
            _choices,
            _usage,
            identity.ServiceTier);
    }

    private void EndChoice(string finishReason)
    {
        ToolCall[] calls = [.. _calls.Select(entry => new ToolCall(entry.Call.Id, new FunctionCall(entry.Arguments.ToString(), entry.Call.Name), "function"))];
        var message = new AnswerMessage(
            _text.Length > 0 || calls.Length == 0 ? _text.ToString() : null, "assistant", calls.Length > 0 ? calls : null);
        _choices.Add(new Choice(finishReason, _choices.Count, message, logprobs is null ? null : new Logprobs([.. _likely])));
        _text.Clear();
        _calls.Clear();
        _likely.Clear();
    }
}
