using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using LlmAspire.Api.Chat;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Tools;

/// <summary>
/// Calls tools: each within its time-out, in a scope of its own. Whatever goes wrong is told to the model, in our own words: exceptions may quote secrets.
/// Safe to use from several threads.
/// </summary>
internal sealed partial class ToolInvoker(IServiceScopeFactory scopes, IOptions<ToolOptions> options, TimeProvider time, ILogger<ToolInvoker> logger)
{
    private const string Cut = "… (cut off: the result was longer)";

    // Blanks cost tokens too, and it goes into no page.
    private static readonly JsonSerializerOptions Json = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="OperationCanceledException">The answer was stopped.</exception>
    public async Task<ToolReturn> InvokeAsync(
        ChatTool tool, FunctionCallContent call, AIFunctionArguments arguments, ToolCaller caller, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var (state, result) = await TryAsync(tool, call, arguments, caller, cancellationToken);
        var duration = time.GetElapsedTime(started);
        if (state != ToolCallState.Ok)
        {
            // The current span is that of the tool.
            Activity.Current?.SetStatus(ActivityStatusCode.Error, state.ToString()).SetTag("error.type", state.ToString().ToLowerInvariant());
        }

        return new ToolReturn(state, result, duration);
    }

    /// <summary>The arguments of a call as JSON, for people and for storage; null when the model sent something else.</summary>
    public string? ToJson(FunctionCallContent call) =>
        call.Exception is not null ? null : SqlText.Storable(Bounded(JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), Json), options.Value.MaxArgumentCharacters));

    private async Task<(ToolCallState State, string Result)> TryAsync(
        ChatTool tool, FunctionCallContent call, AIFunctionArguments arguments, ToolCaller caller, CancellationToken cancellationToken)
    {
        if (call.Exception is not null)
        {
            return (ToolCallState.Failed, "The arguments were not JSON. Call the tool again with a JSON object that fits its schema.");
        }

        if (JsonSerializer.Serialize(call.Arguments, Json).Length > options.Value.MaxArgumentCharacters)
        {
            return (ToolCallState.Failed, $"The arguments were too long: at most {options.Value.MaxArgumentCharacters} characters are allowed.");
        }

        using var timeout = new CancellationTokenSource(tool.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            // A tool that does not heed the token is left to itself.
            var result = await InvokeInScopeAsync(tool, arguments, caller, either.Token).WaitAsync(either.Token);
            return (ToolCallState.Ok, SqlText.Storable(Bounded(ToText(result), options.Value.MaxResultCharacters))!);
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
                ToolFailedException failed => SqlText.Storable(Bounded(failed.Message, options.Value.MaxResultCharacters))!,
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

    private static string ToText(object? result) => result switch
    {
        null => "null",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        _ => JsonSerializer.Serialize(result, Json),
    };

    private static string Bounded(string text, int most) => text.Length <= most ? text : text[..most] + Cut;

    [LoggerMessage(LogLevel.Warning, "The tool {Tool} did not answer within {Timeout}; the model was told")]
    private static partial void LogTimedOut(ILogger logger, string tool, TimeSpan timeout);

    [LoggerMessage(LogLevel.Warning, "The tool {Tool} failed ({Reason}); the model was told")]
    private static partial void LogFailed(ILogger logger, string tool, string reason);
}

/// <param name="Result">What the model is told.</param>
internal sealed record ToolReturn(ToolCallState State, string Result, TimeSpan Duration);
