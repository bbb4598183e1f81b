using LlmAspire.AppHost.Gateway;
using Microsoft.Extensions.Configuration;

namespace LlmAspire.AppHost.Stack;

/// <summary>Decides what a run is made of. Asks nothing of the world but what it is given.</summary>
/// <param name="configuration"><c>Stack:Mode</c>, <c>Stack:Gateway</c>, <c>LLM_BASE_URL</c> and the provider keys are read.</param>
/// <param name="isPublishing">A deployment is described, nothing is started.</param>
/// <param name="lastMode">Where the last run kept its ledger.</param>
/// <param name="findRuntime">Looks for a container runtime; called at most once.</param>
/// <param name="hasLiteLlm">Whether <c>litellm</c> is on PATH.</param>
internal sealed class StackChooser(
    IConfiguration configuration, bool isPublishing, LastMode lastMode, Func<ContainerRuntime> findRuntime, bool hasLiteLlm)
{
    /// <summary>The choice, and the lines that say it with its reasons.</summary>
    public (StackChoice Choice, string Text) Choose()
    {
        var (mode, modeBecause, modeObstacle) = ChooseMode();
        var (gateway, gatewayBecause, gatewayObstacle) = ChooseGateway(mode == ServicesMode.Containers);
        var choice = new StackChoice(mode, gateway, lastMode.DirectoryOf(mode), modeObstacle ?? gatewayObstacle);

        return (choice, $"""
            LlmAspire
              services      {Word(mode),-11} {modeBecause}
              gateway       {Word(gateway),-11} {gatewayBecause}
            """);
    }

    private (ServicesMode Mode, string Because, string? Obstacle) ChooseMode()
    {
        var wish = configuration["Stack:Mode"]?.ToLowerInvariant() ?? "auto";
        return (wish, isPublishing) switch
        {
            (_, true) => (ServicesMode.Containers, "publishing", null),
            ("containers", _) => ChooseContainers(findRuntime()),
            ("embedded", _) => (ServicesMode.Embedded, "Stack:Mode=embedded" + Unlike(ServicesMode.Embedded), null),
            ("auto", _) => ChooseAsBefore(),
            _ => (ServicesMode.Embedded, "", $"Stack:Mode is '{wish}'. Set it to auto, containers or embedded."),
        };
    }

    private (ServicesMode Mode, string Because, string? Obstacle) ChooseContainers(ContainerRuntime runtime) => (
        ServicesMode.Containers,
        "Stack:Mode=containers" + Unlike(ServicesMode.Containers),
        runtime.Name is not null ? null : $"Stack:Mode is containers, but {runtime.Problem}. {runtime.Remedy}, or set Stack:Mode=embedded.");

    private (ServicesMode Mode, string Because, string? Obstacle) ChooseAsBefore()
    {
        switch (lastMode.Read())
        {
            case ServicesMode.Embedded:
                return (ServicesMode.Embedded, "as in the last run, whose data is there; Stack:Mode=containers begins with a ledger of its own", null);
            case ServicesMode.Containers:
                var runtime = findRuntime();
                return (
                    ServicesMode.Containers,
                    "as in the last run, whose data is there; Stack:Mode=embedded begins with a ledger of its own",
                    runtime.Name is not null ? null
                        : $"The last run kept its data in containers, but {runtime.Problem}. {runtime.Remedy}, or set Stack:Mode=embedded to begin with a ledger of its own.");
            default:
                var first = findRuntime();
                return first.Name is { } name
                    ? (ServicesMode.Containers, $"{name} answers", null)
                    : (ServicesMode.Embedded, first.Problem, null);
        }
    }

    /// <summary>What to say to somebody who will not find the data of the last run in this one.</summary>
    private string Unlike(ServicesMode mode) =>
        lastMode.Read() is { } last && last != mode ? $"; the data of the last run stays where it is: Stack:Mode={Word(last)}" : "";

    private (GatewayKind Gateway, string Because, string? Obstacle) ChooseGateway(bool useContainers)
    {
        var wish = configuration["Stack:Gateway"]?.ToLowerInvariant() ?? "auto";
        var hasProviderKey = ProviderKeys.All.Any(key => configuration.Has(key.EnvironmentVariable));
        var canRunLiteLlm = useContainers || hasLiteLlm;

        return wish switch
        {
            "litellm" when canRunLiteLlm => (GatewayKind.LiteLlm, "Stack:Gateway=litellm", null),
            "litellm" => (GatewayKind.Demo, "", "Stack:Gateway is litellm, but litellm is not on PATH. "
                + "Install it (pip install 'litellm[proxy,proxy-runtime]'), start a container runtime, or set Stack:Gateway=demo."),
            "demo" when !isPublishing => (GatewayKind.Demo, "Stack:Gateway=demo", null),
            "auto" or "demo" when configuration.Has("LLM_BASE_URL") => (GatewayKind.External, "LLM_BASE_URL is set", null),
            "auto" or "demo" when isPublishing => (GatewayKind.LiteLlm, "publishing", null),
            "auto" when !hasProviderKey => (GatewayKind.Demo, "no provider key is set: copy .env.example to .env and put one in", null),
            "auto" when !canRunLiteLlm => (GatewayKind.Demo, "a provider key is set, but there is neither a container runtime nor litellm on PATH", null),
            "auto" => (GatewayKind.LiteLlm, "a provider key is set", null),
            _ => (GatewayKind.Demo, "", $"Stack:Gateway is '{wish}'. Set it to auto, litellm or demo."),
        };
    }

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
