using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Tools;

/// <summary>The tools that the model of one answer may call, and for whom.</summary>
internal sealed class RunTools(IReadOnlyList<ChatTool> tools, ToolCaller caller, ToolInvoker invoker)
{
    public IReadOnlyList<string> Names { get; } = [.. tools.Select(tool => tool.Name)];

    /// <inheritdoc cref="ToolInvoker.ToJson"/>
    public string? ToJson(FunctionCallContent call) => invoker.ToJson(call);

    /// <summary>As the pipeline takes them.</summary>
    /// <param name="returned">Hears of each call that returned, from any thread.</param>
    public IList<AITool> Bind(Action<FunctionCallContent, ToolReturn> returned) =>
        [.. tools.Select(tool => new BoundTool(tool, caller, invoker, returned))];

    /// <summary>As they are told to a model, when none is called.</summary>
    public static IList<AITool>? Declare(IReadOnlyList<ChatTool> tools) => tools is [] ? null : [.. tools.Select(tool => tool.Function)];

    private sealed class BoundTool(ChatTool tool, ToolCaller caller, ToolInvoker invoker, Action<FunctionCallContent, ToolReturn> returned)
        : DelegatingAIFunction(tool.Function)
    {
        protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
        {
            var call = FunctionInvokingChatClient.CurrentContext!.CallContent;
            var result = await invoker.InvokeAsync(tool, call, arguments, caller, cancellationToken);
            returned(call, result);
            return result.Result;
        }
    }
}
