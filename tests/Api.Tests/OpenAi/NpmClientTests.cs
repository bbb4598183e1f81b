using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>npm's <c>openai</c>, and <c>ai</c> with its provider for OpenAI-compatible endpoints, against <c>/v1</c>: what they find is asserted in <c>npm/*.mjs</c>.</summary>
public sealed class NpmClientTests(OpenAiFixture stack, NodeClients node) : IClassFixture<OpenAiFixture>, IClassFixture<NodeClients>
{
    [Theory]
    [InlineData("openai", "list", 0)]
    [InlineData("openai", "chat", 1)]
    [InlineData("openai", "stream", 2)]
    [InlineData("openai", "tools", 2)]
    [InlineData("openai", "schema", 1)]
    [InlineData("ai", "chat", 1)]
    [InlineData("ai", "stream", 1)]
    [InlineData("ai", "tools", 2)]
    [InlineData("ai", "schema", 1)]
    public async Task it_works_and_is_exact_in_the_ledger(string client, string scenario, int calls)
    {
        var key = await RunAsync(client, scenario);

        Assert.All(await stack.RowsAsync(key, calls), row => Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source)));
    }

    [Theory]
    [InlineData("openai", 5)]
    [InlineData("ai", 2)]
    public async Task its_errors_have_their_types_and_only_what_was_sent_is_a_row(string client, int calls)
    {
        var key = await RunAsync(client, "errors");

        Assert.All(await stack.RowsAsync(key, calls), row => Assert.Equal(UsageOutcome.Failed, row.Outcome));
    }

    [Theory]
    [InlineData("openai")]
    [InlineData("ai")]
    public async Task an_abort_is_a_disconnected_row(string client)
    {
        var key = await RunAsync(client, "abort");

        var row = Assert.Single(await stack.RowsAsync(key));
        Assert.Equal((UsageOutcome.Disconnected, UsageSource.Estimated), (row.Outcome, row.Source));
        Assert.InRange(row.CompletionTokens, 38, 42);
    }

    private async Task<TestKey> RunAsync(string client, string scenario)
    {
        var key = await stack.CreateKeyAsync();
        await node.RunAsync(client, scenario, new Dictionary<string, string>
        {
            ["BASE_URL"] = stack.BaseUrl.ToString(),
            ["API_KEY"] = key.Secret,
            ["HOLD"] = $"{client}-{key.Id:N}",
        });
        return key;
    }
}
