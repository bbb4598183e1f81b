using System.Diagnostics;
using System.Text.Json;
using LlmAspire.Api.Unicode;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Tools;

/// <summary>The tools that the model of one answer may call, and for whom.</summary>
internal sealed class RunTools(IReadOnlyList<ChatTool> tools, ToolCaller caller, ToolInvoker invoker)
{
    private readonly Dictionary<string, string> _names = tools.ToDictionary(tool => ToolNames.ForModel(tool.Name), tool => tool.Name);

    public IReadOnlyList<string> Names { get; } = [.. tools.Select(tool => tool.Name)];

    /// <summary>The name by which users know what a model called; null when it was offered no such tool.</summary>
    public string? FindName(string called) => _names.GetValueOrDefault(called);

    /// <inheritdoc cref="ToolInvoker.ToJson"/>
    public string? ToJson(FunctionCallContent call) => invoker.ToJson(call);

    /// <summary>As the pipeline takes them.</summary>
    /// <param name="returned">Hears of each call that returned, from any thread.</param>
    public IList<AITool> Bind(Action<FunctionCallContent, ToolReturn> returned) =>
        [.. tools.Select(tool => new BoundTool(tool, caller, invoker, returned))];

    /// <summary>As they are told to a model, when none is called.</summary>
    public static IList<AITool>? Declare(IReadOnlyList<ChatTool> tools) => tools is [] ? null : [.. tools.Select(tool => new OfferedTool(tool))];

    /// <summary>What a model is told of a tool.</summary>
    private class OfferedTool(ChatTool tool) : DelegatingAIFunction(tool.Function)
    {
        protected ChatTool Tool => tool;

        public override string Name { get; } = ToolNames.ForModel(tool.Name);

        public override string Description { get; } = OddText.Replace(tool.Function.Description);

        public override JsonElement JsonSchema { get; } = OddText.Replace(tool.Function.JsonSchema);
    }

    private sealed class BoundTool(ChatTool tool, ToolCaller caller, ToolInvoker invoker, Action<FunctionCallContent, ToolReturn> returned) : OfferedTool(tool)
    {
        protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
        {
            if (Name != Tool.Name && Activity.Current is { } span)
            {
                // The current span is that of the tool.
                span.DisplayName = $"execute_tool {Tool.Name}";
                span.SetTag("gen_ai.tool.name", Tool.Name);
            }

            var call = FunctionInvokingChatClient.CurrentContext!.CallContent;
            var result = await invoker.InvokeAsync(Tool, call, arguments, caller, cancellationToken);
            returned(call, result);
            return result.Result;
        }
    }
}
