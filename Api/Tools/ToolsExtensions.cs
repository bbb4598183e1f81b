using System.ComponentModel;
using System.Reflection;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Tools.BuiltIn;
using LlmAspire.Api.Tools.Mcp;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Tools;

internal static class ToolsExtensions
{
    /// <summary>Adds the tools that chats may use: those that are registered here, and those of the MCP servers of the configuration.</summary>
    public static TBuilder AddTools<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        services.AddOptions<ToolOptions>().BindConfiguration(ToolOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<McpOptions>().BindConfiguration(McpOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<McpServers>();
        services.AddSingleton<ToolDirectory>();
        services.AddSingleton<ToolInvoker>();
        services.AddChatTool<CurrentTimeTool>("current_time");
        services.AddChatTool<CalculatorTool>("calculator");
        services.AddChatTool<MyUsageTool>("my_usage");
        return builder;
    }

    /// <summary>
    /// Adds a tool: a class with one public method, of which the model learns by the <c>Description</c>s of the method and its parameters. Each call has an
    /// instance of its own, made from services of a scope of its own. A parameter of the type <see cref="ToolCaller"/> tells for whom it is.
    /// </summary>
    /// <param name="name">What <c>tools</c> of a chat takes. Models call it so too when it has only letters, digits, <c>_</c> and <c>-</c>.</param>
    /// <param name="requiredPlan">The lowest plan that has it; the configuration may say otherwise.</param>
    public static IServiceCollection AddChatTool<TTool>(this IServiceCollection services, string name, Plan requiredPlan = Plan.Basic)
        where TTool : class
    {
        var method = typeof(TTool).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Single();
        var function = AIFunctionFactory.Create(
            method,
            arguments => ActivatorUtilities.CreateInstance<TTool>(arguments.Services!),
            new AIFunctionFactoryOptions
            {
                Name = name,
                ConfigureParameterBinding = BindCaller,
                // It is made text of later, see ToolText: JSON of somebody else may hold what cannot be written again as it is.
                MarshalResult = (result, _, _) => ValueTask.FromResult(result),
            });
        return services.AddChatTool(function, typeof(TTool).GetCustomAttribute<DisplayNameAttribute>()?.DisplayName ?? name, requiredPlan);
    }

    /// <inheritdoc cref="AddChatTool{TTool}"/>
    /// <param name="label">What people call it.</param>
    public static IServiceCollection AddChatTool(this IServiceCollection services, AIFunction function, string label, Plan requiredPlan = Plan.Basic) =>
        services.AddSingleton(new ToolDefinition(function, label, requiredPlan));

    private static AIFunctionFactoryOptions.ParameterBindingOptions BindCaller(ParameterInfo parameter) => parameter.ParameterType == typeof(ToolCaller)
        ? new AIFunctionFactoryOptions.ParameterBindingOptions
        {
            ExcludeFromSchema = true,
            BindParameter = (_, arguments) => arguments.Context![typeof(ToolCaller)],
        }
        : default;
}
