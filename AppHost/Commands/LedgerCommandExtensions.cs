// WithProcessCommand is "for evaluation": what may change of it shows when Aspire is updated, and it spares a process of our own.
#pragma warning disable ASPIREPROCESSCOMMAND001

using System.Reflection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.AppHost.Commands;

/// <summary>The commands of <c>usage-worker</c> in the dashboard. Each runs the worker's own program, in the environment that the worker has.</summary>
internal static class LedgerCommandExtensions
{
    /// <summary>The last line that the program writes is the outcome.</summary>
    private const int MostLines = 30;

    /// <summary>Adds the commands <c>verify-ledger</c>, <c>rebuild-sums</c> and <c>demo-month</c>. Aspire itself has a command <c>rebuild</c>, which builds a project anew.</summary>
    public static IResourceBuilder<ProjectResource> WithLedgerCommands(this IResourceBuilder<ProjectResource> worker) => worker
        .WithWorkerCommand("verify-ledger", "Verify the ledger", "verify", new ProcessCommandOptions
        {
            Description = "Compares the roll-ups and allowances with the rows of the ledger, and names those that differ.",
            IconName = "CheckmarkCircle",
            IsHighlighted = true,
        })
        .WithWorkerCommand("rebuild-sums", "Rebuild the sums", "rebuild", new ProcessCommandOptions
        {
            Description = "Makes the roll-ups and allowances again from the rows of the ledger.",
            IconName = "ArrowSync",
            ConfirmationMessage = "This makes all roll-ups and allowances again from the rows of the ledger. No row is changed. Ingestion waits while it runs. Go on?",
        })
        .WithWorkerCommand("demo-month", "Fill a demo month", "demo-month", new ProcessCommandOptions
        {
            Description = "Gives the demo accounts thirty days of calls to look at, each once, however often it is run. No provider is called.",
            IconName = "CalendarAdd",
            ConfirmationMessage = "This writes some hundreds of made-up calls of the last thirty days into the ledger, as if the demo accounts had made them. Reports and allowances count them, "
                + "and the reconciliation shows them as calls that the gateway does not know. Only a reset of all data removes them. Go on?",
        });

    private static IResourceBuilder<ProjectResource> WithWorkerCommand(
        this IResourceBuilder<ProjectResource> worker, string name, string displayName, string word, ProcessCommandOptions options)
    {
        options.UpdateState = context => IsHealthy(context.ResourceSnapshot) ? ResourceCommandState.Enabled : ResourceCommandState.Disabled;
        options.Progress = new CommandProgressOptions { Title = displayName, Message = "The command runs. Its output is in the console log of the resource." };
        options.GetCommandResult = context => Task.FromResult(ToResult(context));

        return worker.WithProcessCommand(name, displayName, context => DescribeAsync(worker, word, context), options);
    }

    /// <summary>The worker is not healthy while PostgreSQL does not answer.</summary>
    private static bool IsHealthy(CustomResourceSnapshot worker) =>
        worker.State?.Text == KnownResourceStates.Running && worker.HealthStatus == HealthStatus.Healthy;

    /// <summary>As the orchestrator runs projects: what was built with the AppHost, with nothing but the environment that is given.</summary>
    private static async ValueTask<ProcessCommandSpec> DescribeAsync(IResourceBuilder<ProjectResource> worker, string word, ExecuteCommandContext context)
    {
        var spec = new ProcessCommandSpec("dotnet")
        {
            Arguments =
            [
                "run", "--project", worker.Resource.GetProjectMetadata().ProjectPath, "--no-build", "--no-launch-profile", .. Configuration(worker.ApplicationBuilder), "--", word,
            ],
        };
        foreach (var (name, value) in await worker.Resource.ReadEnvironmentAsync(worker.ApplicationBuilder.ExecutionContext, context.Logger, context.CancellationToken))
        {
            spec.EnvironmentVariables[name] = value;
        }

        return spec;
    }

    private static string[] Configuration(IDistributedApplicationBuilder builder) =>
        builder.AppHostAssembly?.GetCustomAttribute<AssemblyConfigurationAttribute>() is { Configuration: { Length: > 0 } name } ? ["--configuration", name] : [];

    private static ExecuteCommandResult ToResult(ProcessCommandResultContext context)
    {
        var outcome = context.Output.LastOrDefault(line => !string.IsNullOrWhiteSpace(line)) ?? $"The program ended with exit code {context.ExitCode}.";
        // The dashboard says of a message no more than "succeeded": the outcome is in the data, which it opens.
        var output = new CommandResultData { Value = context.GetFormattedOutput(MostLines), DisplayImmediately = true };
        return context.ExitCode == 0 ? CommandResults.Success(outcome, output) : CommandResults.Failure(outcome, output);
    }
}
