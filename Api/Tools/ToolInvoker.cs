using System.Diagnostics;
using System.Text.Json;
using LlmAspire.Api.Chat;
using LlmAspire.Api.Llm.Concurrency;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Tools;

/// <summary>
/// Calls tools: when there is room for one more of its organisation, each within its time-out, in a scope of its own. Whatever goes wrong is told to the model, in our own words: exceptions may quote secrets.
/// Safe to use from several threads.
/// </summary>
internal sealed partial class ToolInvoker(
    ParallelRunner runner, IServiceScopeFactory scopes, IOptions<ToolOptions> options, TimeProvider time, ILogger<ToolInvoker> logger)
{
    /// <exception cref="OperationCanceledException">The answer was stopped.</exception>
    public async Task<ToolReturn> InvokeAsync(
        ChatTool tool, FunctionCallContent call, AIFunctionArguments arguments, ToolCaller caller, CancellationToken cancellationToken)
    {
        ToolReturn returned;
        try
        {
            returned = await runner.RunAsync(
                new ParallelItem<ToolReturn>(caller.OrgId, null, UsageOperation.Tool, token => MeasureAsync(tool, call, arguments, caller, token)), cancellationToken);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            returned = new ToolReturn(ToolCallState.Failed, "The server is stopping: no tool can be called any more.", TimeSpan.Zero);
        }

        if (returned.State != ToolCallState.Ok)
        {
            // The current span is that of the tool.
            Activity.Current?.SetStatus(ActivityStatusCode.Error, returned.State.ToString()).SetTag("error.type", returned.State.ToString().ToLowerInvariant());
        }

        return returned;
    }

    /// <summary>The arguments of a call as JSON, for people and for storage; null when the model sent something else.</summary>
    public string? ToJson(FunctionCallContent call) =>
        call.Exception is not null ? null : ToolText.Bounded(ToolText.Of(call.Arguments ?? new Dictionary<string, object?>()), options.Value.MaxArgumentCharacters);

    private async Task<ToolReturn> MeasureAsync(
        ChatTool tool, FunctionCallContent call, AIFunctionArguments arguments, ToolCaller caller, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var (state, result) = await TryAsync(tool, call, arguments, caller, cancellationToken);
        return new ToolReturn(state, result, time.GetElapsedTime(started));
    }

    private async Task<(ToolCallState State, string Result)> TryAsync(
        ChatTool tool, FunctionCallContent call, AIFunctionArguments arguments, ToolCaller caller, CancellationToken cancellationToken)
    {
        if (call.Exception is not null)
        {
            return (ToolCallState.Failed, "The arguments were not a JSON object. Call the tool again with a JSON object that fits its schema; without arguments send {}.");
        }

        if (ToolText.Of(call.Arguments).Length > options.Value.MaxArgumentCharacters)
        {
            return (ToolCallState.Failed, $"The arguments were too long: at most {options.Value.MaxArgumentCharacters} characters are allowed.");
        }

        using var timeout = new CancellationTokenSource(tool.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            // A tool that does not heed the token is left to itself.
            var result = await InvokeInScopeAsync(tool, arguments, caller, either.Token).WaitAsync(either.Token);
            return ToReturn(tool, result);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            LogTimedOut(logger, tool.Name, tool.Timeout);
            return (ToolCallState.Timeout, $"The tool did not answer within {tool.Timeout.TotalSeconds:0.###} seconds.");
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Not its text: it may quote what the model sent, or secrets of the tool.
            LogFailed(logger, tool.Name, exception.GetType().Name);
            return (ToolCallState.Failed, exception switch
            {
                ToolFailedException failed => ToolText.Bounded(ToolText.Of(failed.Message), options.Value.MaxResultCharacters),
                ArgumentException or JsonException => "The arguments do not fit the tool's schema. Correct them and call it again.",
                _ => "The tool failed. Trying again may not help.",
            });
        }
    }

    private async Task<object?> InvokeInScopeAsync(ChatTool tool, AIFunctionArguments arguments, ToolCaller caller, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await tool.Function.InvokeAsync(
            new AIFunctionArguments(arguments) { Services = scope.ServiceProvider, Context = new Dictionary<object, object?> { [typeof(ToolCaller)] = caller } },
            cancellationToken);
    }

    private (ToolCallState State, string Result) ToReturn(ChatTool tool, object? result)
    {
        try
        {
            return (ToolCallState.Ok, ToolText.Bounded(ToolText.Of(result), options.Value.MaxResultCharacters));
        }
        catch (Exception exception)
        {
            LogFailed(logger, tool.Name, exception.GetType().Name);
            return (ToolCallState.Failed, "The tool's result could not be read. Trying again may not help.");
        }
    }

    [LoggerMessage(LogLevel.Warning, "The tool {Tool} did not answer within {Timeout}; the model was told")]
    private static partial void LogTimedOut(ILogger logger, string tool, TimeSpan timeout);

    [LoggerMessage(LogLevel.Warning, "The tool {Tool} failed ({Reason}); the model was told")]
    private static partial void LogFailed(ILogger logger, string tool, string reason);
}

/// <param name="Result">What the model is told.</param>
internal sealed record ToolReturn(ToolCallState State, string Result, TimeSpan Duration);
