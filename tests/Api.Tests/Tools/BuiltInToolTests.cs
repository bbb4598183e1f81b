using LlmAspire.Api.Chat;
using LlmAspire.Api.Tools;
using LlmAspire.Api.Tools.BuiltIn;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Api.Tests.Tools;

public class BuiltInToolTests
{
    private static readonly FakeTimeProvider Time = new(new DateTimeOffset(2026, 3, 1, 23, 30, 0, TimeSpan.Zero));

    [Theory]
    [InlineData("UTC", "2026-03-01T23:30:00+00:00", "Sunday", "UTC")]
    [InlineData("Europe/Berlin", "2026-03-02T00:30:00+01:00", "Monday", "Europe/Berlin")]
    [InlineData("New York", "2026-03-01T18:30:00-05:00", "Sunday", "America/New_York")]
    [InlineData("kathmandu", "2026-03-02T05:15:00+05:45", "Monday", "Asia/Kathmandu")]
    public void the_time_is_told_with_its_offset(string zone, string local, string weekday, string id) =>
        Assert.Equal(new CurrentTime(local, weekday, id), new CurrentTimeTool(Time).Tell(zone));

    [Fact]
    public void a_zone_that_is_none_is_told_to_the_model() =>
        Assert.Contains("IANA", Assert.Throws<ToolFailedException>(() => new CurrentTimeTool(Time).Tell("Atlantis")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_tool_that_takes_too_long_is_left_when_its_time_is_up(bool heedsCancellation)
    {
        var time = new FakeTimeProvider();
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        using var client = await api.CreateReadyClientAsync();
        var called = new TaskCompletionSource();
        var function = AIFunctionFactory.Create(
            async (CancellationToken cancellationToken) =>
            {
                called.SetResult();
                await Task.Delay(Timeout.Infinite, heedsCancellation ? cancellationToken : CancellationToken.None);
            },
            "slow",
            "Is slow.");
        var invoker = new ToolInvoker(
            api.Services.GetRequiredService<LlmAspire.Api.Llm.Concurrency.ParallelRunner>(), api.Services.GetRequiredService<IServiceScopeFactory>(),
            Options.Create(new ToolOptions()), time, NullLogger<ToolInvoker>.Instance);

        var invoking = invoker.InvokeAsync(
            new ChatTool(function, "Slow", null, default, TimeSpan.FromSeconds(30)), new FunctionCallContent("1", "slow"), [],
            new ToolCaller(Guid.NewGuid(), Guid.NewGuid()), TestContext.Current.CancellationToken);
        await called.Task;
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(invoking.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));

        var returned = await invoking;
        Assert.Equal((ToolCallState.Timeout, "The tool did not answer within 30 seconds.", 30), (returned.State, returned.Result, returned.Duration.TotalSeconds));
    }
}
