using LlmAspire.AppHost.LiteLlm;
using LlmAspire.AppHost.Publishing;
using LlmAspire.AppHost.Stack;

namespace LlmAspire.AppHost.Preflight;

/// <summary>Finds what would stop the stack before a process is started, while one clear message can still be given.</summary>
internal static class StackPreflight
{
    /// <summary>The first obstacle, with its remedy; null when there is none.</summary>
    public static async Task<string?> FindObstacleAsync(this IDistributedApplicationBuilder builder, StackChoice stack, CancellationToken cancellationToken)
    {
        var obstacle = stack.Obstacle
            ?? builder.FindPublishingObstacle()
            ?? GatewayConfigCheck.FindError(LiteLlmResourceBuilderExtensions.ConfigPath(builder));

        return obstacle is not null || builder.ExecutionContext.IsPublishMode
            ? obstacle
            : FolderCheck.FindError(stack.DataDirectory)
                ?? await PortCheck.FindTakenAsync(builder, cancellationToken)
                ?? await GatewayAddressCheck.FindErrorAsync(builder, stack, cancellationToken);
    }
}
