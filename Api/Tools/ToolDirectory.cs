using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Tools.Mcp;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Tools;

/// <summary>All tools of the installation: its own, and those of its MCP servers. Safe to use from several threads.</summary>
internal sealed class ToolDirectory(IEnumerable<ToolDefinition> definitions, McpServers servers, IOptions<ToolOptions> options)
{
    private const int QuotedCharacters = 100;

    private readonly List<ChatTool> _own = [.. definitions.Where(definition => Settings(options.Value, definition.Function.Name).Enabled).Select(definition =>
    {
        var settings = Settings(options.Value, definition.Function.Name);
        return new ChatTool(
            definition.Function, definition.Label, null, settings.RequiredPlan ?? definition.RequiredPlan, settings.Timeout ?? options.Value.Timeout);
    })];

    /// <summary>Those of a server that is away are missing, or are as it last told them. Of two with the same name the first counts.</summary>
    public async Task<IReadOnlyList<ChatTool>> ListAsync(CancellationToken cancellationToken) =>
        [.. _own.Concat((await servers.ListToolsAsync(cancellationToken)).Where(tool => Settings(options.Value, tool.Name).Enabled).Select(Configured))
            .DistinctBy(tool => tool.Name)];

    /// <summary>Finds the tools that a chat asks for, or says why it may not use them.</summary>
    public async Task<(IReadOnlyList<ChatTool> Tools, ProblemHttpResult? Problem)> FindAsync(
        IReadOnlyList<string>? names, ChatModel model, Caller caller, HttpContext context, CancellationToken cancellationToken)
    {
        if (names is null or [])
        {
            return ([], null);
        }

        if (model.SupportsTools == false)
        {
            return ([], Problems.Create(
                context, StatusCodes.Status400BadRequest, "tools_unsupported", $"The model '{model.Id}' cannot use tools.",
                "Leave out tools, or choose a model with supportsTools from GET /llm/models."));
        }

        // Own tools need no server to be asked.
        var all = names.All(name => _own.Exists(tool => tool.Name == name)) ? _own : await ListAsync(cancellationToken);
        List<ChatTool> found = [];
        foreach (var name in names.Distinct())
        {
            if (all.FirstOrDefault(tool => tool.Name == name) is not { } tool)
            {
                return ([], Problems.Create(
                    context, StatusCodes.Status400BadRequest, "tool_unknown", $"There is no tool '{name?[..Math.Min(name.Length, QuotedCharacters)]}'.",
                    "GET /chat/tools lists those that you may use; a tool of a server that is away is missing there."));
            }

            if (tool.RequiredPlan > caller.Plan)
            {
                return ([], Problems.Create(
                    context, StatusCodes.Status403Forbidden, "plan_required", $"The tool '{tool.Name}' needs the plan {Word(tool.RequiredPlan)}.",
                    $"Your plan is {Word(caller.Plan)}. GET /chat/tools lists the tools that it has; the operator of this installation can change it."));
            }

            found.Add(tool);
        }

        return (found, null);
    }

    /// <summary>Those of the names that are there, and that the plan has: for an answer that is gone on with.</summary>
    public async Task<IReadOnlyList<ChatTool>> FindStillAsync(IReadOnlyList<string> names, ChatModel? model, Caller caller, CancellationToken cancellationToken) =>
        names is [] || model?.SupportsTools == false
            ? []
            : [.. (await ListAsync(cancellationToken)).Where(tool => names.Contains(tool.Name) && tool.RequiredPlan <= caller.Plan)];

    private ChatTool Configured(ChatTool tool)
    {
        var settings = Settings(options.Value, tool.Name);
        return tool with { RequiredPlan = settings.RequiredPlan ?? tool.RequiredPlan, Timeout = settings.Timeout ?? tool.Timeout };
    }

    private static ToolSettings Settings(ToolOptions options, string name) => options.Settings.GetValueOrDefault(name) ?? new ToolSettings();

    private static string Word(Plan plan) => plan.ToString().ToLowerInvariant();
}
