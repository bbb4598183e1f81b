using System.Collections.Concurrent;
using System.Diagnostics;

namespace LlmAspire.DemoGateway.Tests;

public class TraceTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    [Fact]
    public async Task a_call_joins_the_callers_trace_and_names_call_and_deployment_but_no_prompt()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var source = new ActivitySource("caller");
        using var listener = new ActivityListener
        {
            ShouldListenTo = candidate => candidate.Name is "caller" or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);

        // The HTTP client sends traceparent.
        using var caller = source.StartActivity("call")!;
        using var response = await gateway.PostAsync(GatewayFixture.Ask("Explain a very secret thing", "claude-default"), "traced");
        await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        bool IsTheCall(Activity span) => span.Kind == ActivityKind.Server && span.TraceId == caller.TraceId;
        Assert.True(SpinWait.SpinUntil(() => spans.Any(IsTheCall), TimeSpan.FromSeconds(10)));
        var span = Assert.Single(spans, IsTheCall);

        Assert.Equal("traced", span.GetTagItem("litellm.call_id"));
        Assert.Equal("claude-default-anthropic", span.GetTagItem("litellm.model_id"));
        Assert.DoesNotContain(span.TagObjects, tag => tag.Value?.ToString()?.Contains("secret", StringComparison.Ordinal) == true);
    }
}
