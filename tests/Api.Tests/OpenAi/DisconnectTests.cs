using System.Text;
using LlmAspire.Api.Llm;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>An Api that reads on what nobody wants.</summary>
public sealed class Draining : OpenAiFixture
{
    protected override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string> { ["Usage:OnStop"] = "Drain" };
}

/// <summary>Clients that go away, over real connections: the ledger against what the gateway itself says it served.</summary>
public sealed class DisconnectTests(OpenAiFixture cancelling, Draining draining) : IClassFixture<OpenAiFixture>, IClassFixture<Draining>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task who_leaves_a_stream_that_is_drained_leaves_an_exact_row()
    {
        var key = await draining.CreateKeyAsync();
        await LeaveAsync(draining, key);

        await Until.TrueAsync(() => Active(draining).Drains == 1);
        await draining.Gateway.ReleaseAsync(HoldOf(key));

        // RowsAsync compares what is the provider's with what was served.
        var row = Assert.Single(await draining.RowsAsync(key));
        Assert.Equal((UsageOutcome.Disconnected, UsageSource.Provider, 60), (row.Outcome, row.Source, row.CompletionTokens));
        await Until.TrueAsync(() => Active(draining).Drains == 0);
    }

    [Fact]
    public async Task who_leaves_a_plain_answer_that_is_drained_leaves_an_exact_row()
    {
        var key = await draining.CreateKeyAsync();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var answer = draining.PostAsync(key, Ask(HoldOf(key), stream: false), patience.Token);
        // Not only written down: what was not sent is not drained either.
        await Until.TrueAsync(async () => (await draining.Gateway.CallsAsync()).Any(call => !call.GetProperty("finished").GetBoolean()));
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);

        await Until.TrueAsync(() => Active(draining).Drains == 1);
        await draining.Gateway.ReleaseAsync(HoldOf(key));

        var row = Assert.Single(await draining.RowsAsync(key));
        Assert.Equal((UsageOutcome.Disconnected, UsageSource.Provider, 60), (row.Outcome, row.Source, row.CompletionTokens));
    }

    [Fact]
    public async Task who_leaves_a_stream_that_is_cancelled_leaves_a_marked_estimate_of_what_came()
    {
        var key = await cancelling.CreateKeyAsync();
        await LeaveAsync(cancelling, key);

        var row = Assert.Single(await cancelling.RowsAsync(key));

        Assert.Equal((UsageOutcome.Disconnected, UsageSource.Estimated), (row.Outcome, row.Source));
        // The model was stopped where it was: nothing was served beyond it.
        var served = (await cancelling.Gateway.ServedAsync(row.Id)).Tokens;
        Assert.Equal(20, served.Completion);
        Assert.InRange(row.CompletionTokens, 18, 22);
        Assert.Equal(served.Prompt, row.PromptTokens);
    }

    private static ActiveCalls Active(OpenAiFixture stack) => (ActiveCalls)stack.Api.Services.GetService(typeof(ActiveCalls))!;

    private static string HoldOf(TestKey key) => $"leave-{key.Id:N}";

    private static object Ask(string hold, bool stream) => new
    {
        model = "chat-default",
        stream,
        messages = new[] { new { role = "user", content = $"Tell me of rain <<demo length=60 hold={hold}@20>>" } },
    };

    /// <summary>Reads twenty tokens of sixty, and closes the connection.</summary>
    private static async Task LeaveAsync(OpenAiFixture stack, TestKey key)
    {
        using var response = await stack.PostAsync(key, Ask(HoldOf(key), stream: true));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token), Encoding.UTF8);
        for (var said = 0; said < 20;)
        {
            said += (await reader.ReadLineAsync(Token))!.Contains("\"content\"", StringComparison.Ordinal) ? 1 : 0;
        }
    }
}
