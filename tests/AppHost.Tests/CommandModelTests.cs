using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.AppHost.Tests;

/// <summary>Which commands there are, and when; nothing is started.</summary>
public sealed class CommandModelTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("containers", "litellm")]
    [InlineData("containers", "demo")]
    [InlineData("embedded", "demo")]
    public async Task every_stack_has_every_command(string mode, string gateway)
    {
        await using var builder = await CreateAsync($"Stack:Mode={mode}", $"Stack:Gateway={gateway}");

        Assert.Superset(
            new HashSet<string> { "verify-ledger", "rebuild-sums", "demo-month" }, CommandsOf(builder, "usage-worker").Select(command => command.Name).ToHashSet());
        Assert.Contains(CommandsOf(builder, "llm"), command => command.Name == "reset-data");
    }

    [Theory]
    [InlineData("Running", HealthStatus.Healthy, ResourceCommandState.Enabled)]
    [InlineData("Running", HealthStatus.Unhealthy, ResourceCommandState.Disabled)]
    [InlineData("Running", null, ResourceCommandState.Disabled)]
    [InlineData("Waiting", null, ResourceCommandState.Disabled)]
    [InlineData("Exited", null, ResourceCommandState.Disabled)]
    public async Task the_commands_of_the_worker_are_there_while_it_is_healthy(string state, HealthStatus? health, ResourceCommandState expected)
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo");
        var snapshot = new CustomResourceSnapshot
        {
            ResourceType = "Project",
            Properties = [],
            State = state,
            HealthReports = health is null ? ImmutableArray<HealthReportSnapshot>.Empty : [new HealthReportSnapshot("http", health, null, null)],
        };

        using var services = new ServiceCollection().BuildServiceProvider();
        var context = new UpdateCommandStateContext { ResourceSnapshot = snapshot, Services = services };
        foreach (var name in (string[])["verify-ledger", "rebuild-sums", "demo-month"])
        {
            var command = CommandsOf(builder, "usage-worker").Single(command => command.Name == name);
            Assert.Equal((name, expected), (name, command.UpdateState(context)));
        }
    }

    private static List<ResourceCommandAnnotation> CommandsOf(IDistributedApplicationTestingBuilder builder, string resource) =>
        [.. builder.Resources.Single(one => one.Name == resource).Annotations.OfType<ResourceCommandAnnotation>()];

    private static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] args) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [.. args, "Parameters:postgres-password=test", "Parameters:litellm-master-key=test"],
            Cancellation);
}
