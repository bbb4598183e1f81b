using LlmAspire.Web.Chat;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Web.Tests;

public class ChatSessionTests
{
    [Theory]
    [InlineData(204)]
    [InlineData(503)]
    public async Task a_stop_that_nobody_confirms_ends_the_answer_after_the_grace(int stopStatus)
    {
        var time = new FakeTimeProvider();
        await using var api = await FakeApi.StartAsync();
        api.StopStatus = stopStatus;
        using var http = new HttpClient { BaseAddress = api.Address };
        using var session = NoTokens.Session(http, time);
        var answering = session.SendAsync("Go", null);
        var call = await api.NextChatAsync();
        await call.RunAsync();
        await call.DeltaAsync("Text");
        await session.Exchanges[0].Answer!.UntilAsync(answer => answer.HasText);

        await session.StopAsync();
        Assert.Equal(call.RunId, await api.NextStopAsync());
        Assert.True(session.Answering);
        time.Advance(ChatSession.StopGrace);
        await answering.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.False(session.Answering);
        Assert.Equal(AnswerState.Stopped, session.Exchanges[0].Answer!.State);
        Assert.Empty(session.Exchanges[0].Answer!.Usages);
    }

    [Fact]
    public async Task a_second_message_while_an_answer_is_under_way_is_a_mistake_of_the_caller()
    {
        await using var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        using var session = NoTokens.Session(http, TimeProvider.System);
        var answering = session.SendAsync("Go", null);

        await Assert.ThrowsAsync<InvalidOperationException>(() => session.SendAsync("Once more", null));

        var call = await api.NextChatAsync();
        await call.AnswerAsync("Yes.");
        await answering;
    }

    [Fact]
    public async Task closing_the_tab_ends_the_reading_and_does_not_stop_the_run()
    {
        await using var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        var session = NoTokens.Session(http, TimeProvider.System);
        var answering = session.SendAsync("Go", null);
        var call = await api.NextChatAsync();
        await call.RunAsync();

        session.Dispose();
        await answering;

        Assert.False(api.WasStopped);
    }
}
