using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace LlmAspire.AppHost.Tests;

/// <summary>Which commands there are; nothing is started.</summary>
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

    private static List<ResourceCommandAnnotation> CommandsOf(IDistributedApplicationTestingBuilder builder, string resource) =>
        [.. builder.Resources.Single(one => one.Name == resource).Annotations.OfType<ResourceCommandAnnotation>()];

    private static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] args) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [.. args, "Parameters:postgres-password=test", "Parameters:litellm-master-key=test"],
            Cancellation);
}
