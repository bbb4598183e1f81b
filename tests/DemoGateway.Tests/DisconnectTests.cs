namespace LlmAspire.DemoGateway.Tests;

/// <summary>What becomes of a call whose client goes away.</summary>
public class DisconnectTests(DisconnectTests.OrdinaryGateway ordinary, DisconnectTests.CancellingGateway cancelling)
    : IClassFixture<DisconnectTests.OrdinaryGateway>, IClassFixture<DisconnectTests.CancellingGateway>
{
    private const string Config = "model_list:\n  - model_name: chat\n    litellm_params: {model: openai/gpt-6-luna}\n    model_info: {id: chat-1}\n";

    private static int _lastId;
    private readonly string _id = $"left-{Interlocked.Increment(ref _lastId)}";

    [Fact]
    public async Task a_plain_call_whose_client_left_runs_on_to_its_end()
    {
        await LeaveAsync(ordinary, stream: false);
        var before = await ordinary.ServedAsync(_id);
        await ReleaseAsync(ordinary);
        var served = await ordinary.UntilServedAsync(_id, served => (bool?)served["finished"] == true);

        Assert.Equal((false, 4), ((bool)before["finished"]!, (int)before["completion_tokens"]!));
        Assert.Equal(("completed", 9), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    [Fact]
    public async Task a_plain_call_whose_client_left_is_cancelled_where_the_configuration_says_so()
    {
        await LeaveAsync(cancelling, stream: false);
        var served = await cancelling.UntilServedAsync(_id, served => (bool?)served["finished"] == true);

        Assert.Equal(("client_gone", 4), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    [Fact]
    public async Task a_stream_whose_client_left_is_always_cancelled()
    {
        foreach (var gateway in (GatewayFixture[])[ordinary, cancelling])
        {
            await LeaveAsync(gateway, stream: true);
            var served = await gateway.UntilServedAsync(_id, served => (bool?)served["finished"] == true);

            Assert.Equal(("client_gone", 4), ((string?)served["outcome"], (int)served["completion_tokens"]!));
        }
    }

    [Fact]
    public async Task a_plain_call_that_nobody_waits_for_can_still_fail()
    {
        await LeaveAsync(ordinary, stream: false, "error=6");
        await ReleaseAsync(ordinary);
        var served = await ordinary.UntilServedAsync(_id, served => (bool?)served["finished"] == true);

        Assert.Equal(("failed", 6), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    [Fact]
    public async Task a_gateway_that_stops_does_not_wait_for_a_call_that_nobody_waits_for()
    {
        using var stopping = new OrdinaryGateway();
        await LeaveAsync(stopping, stream: false);

        stopping.Stop();

        var end = await UntilLastLineAsync(stopping.ServedPath, line => line.Contains("\"outcome\"", StringComparison.Ordinal));
        Assert.Contains("\"completion_tokens\":4", end, StringComparison.Ordinal);
        Assert.Contains("\"outcome\":\"failed\"", end, StringComparison.Ordinal);
    }

    /// <summary>Leaves after four tokens of nine.</summary>
    private async Task LeaveAsync(GatewayFixture gateway, bool stream, string fault = "")
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(GatewayFixture.Ask("Explain rain", "chat", new { stream })),
            Headers = { { "x-litellm-call-id", _id }, { "x-demo-fault", $"length=9 hold={_id}@4 {fault}" } },
        };
        var call = gateway.Client.SendAsync(request, leaving.Token);
        await gateway.UntilServedAsync(_id, served => (int?)served["completion_tokens"] == 4);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    /// <summary>A gateway that stops answers no more questions, but its record can be read.</summary>
    private static async Task<string> UntilLastLineAsync(string path, Func<string, bool> condition)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(20));
        while (true)
        {
            using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            if ((await reader.ReadToEndAsync(timeout.Token)).Split('\n', StringSplitOptions.RemoveEmptyEntries) is [.., var last] && condition(last))
            {
                return last;
            }

            await Task.Delay(10, timeout.Token);
        }
    }

    private async Task ReleaseAsync(GatewayFixture gateway)
    {
        using var response = await gateway.Client.PostAsync(new Uri($"/_demo/release?name={_id}", UriKind.Relative), null, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
    }

    public class OrdinaryGateway() : GatewayFixture([], Config);

    public class CancellingGateway() : GatewayFixture([], Config + "general_settings:\n  cancel_on_disconnect: true\n");
}
