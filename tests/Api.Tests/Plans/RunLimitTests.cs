using System.Net;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.Api.Tests.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Plans;

public class RunLimitTests
{
    [Fact]
    public async Task beyond_the_limit_a_run_is_429_until_one_of_that_user_has_ended()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Settings = { ["Plans:Pro:ConcurrentRuns"] = "2" } };
        var pro = await api.CreateSignedInClientAsync("pro");
        var rival = await api.CreateSignedInClientAsync("rival");
        gateway.OnChat = Answers.SendAndWait(Answers.Content);
        using var first = await pro.ChatAsync(new { message = "Hi" });
        using var second = await pro.ChatAsync(new { message = "Hi" });
        await using var events = first.ReadEventsAsync().GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await events.MoveNextAsync());
        var runId = events.Current.Data.GetProperty("runId").GetGuid();

        using var third = await pro.ChatAsync(new { message = "Hi" });
        using var other = await rival.ChatAsync(new { message = "Hi" });

        Assert.Contains("2 at once", await third.IsProblemAsync(HttpStatusCode.TooManyRequests, "too_many_runs"));
        Assert.Equal(TimeSpan.FromSeconds(5), third.Headers.RetryAfter!.Delta);
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.Equal(3, gateway.Chats.Count);

        using var stop = await pro.DeleteAsync($"/chat/runs/{runId}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, stop.StatusCode);
        await Until.TrueAsync(async () =>
        {
            using var next = await pro.ChatAsync(new { message = "Hi" });
            return next.StatusCode == HttpStatusCode.OK;
        });
    }

    [Fact]
    public async Task a_run_that_fails_before_it_begins_counts_no_longer()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Settings = { ["Plans:Pro:ConcurrentRuns"] = "1" } };
        var client = await api.CreateSignedInClientAsync();
        gateway.OnChat = Answers.SendJson(500, Answers.ErrorBody);
        using var failed = await client.ChatAsync(new { message = "Hi" });
        Assert.Equal(HttpStatusCode.BadGateway, failed.StatusCode);
        gateway.OnChat = Answers.Normal;

        await Until.TrueAsync(async () =>
        {
            using var next = await client.ChatAsync(new { message = "Hi" });
            return next.StatusCode == HttpStatusCode.OK;
        });
    }

    [Fact]
    public async Task a_run_that_outlives_its_request_keeps_its_place_until_it_has_ended()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl)
        {
            Settings = { ["Plans:Pro:ConcurrentRuns"] = "1" },
            Replace = services => services.AddSingleton<IStartupFilter>(new FirstChatEnds(ended)),
        };
        var client = await api.CreateSignedInClientAsync();
        var script = new Script(["Hel", "lo"]);
        gateway.OnChat = script.AnswerAsync;
        using (var left = await client.ChatAsync(new { message = "Hi" }))
        {
            Assert.Equal(HttpStatusCode.OK, left.StatusCode);
        }

        await ended.Task.WaitAsync(TestContext.Current.CancellationToken);
        using var second = await client.ChatAsync(new { message = "Hi" });
        await second.IsProblemAsync(HttpStatusCode.TooManyRequests, "too_many_runs");

        script.GoOn();
        await Until.TrueAsync(async () =>
        {
            using var next = await client.ChatAsync(new { message = "Hi" });
            return next.StatusCode == HttpStatusCode.OK;
        });
    }

    /// <summary>Tells when the Api is done with the first message, whatever became of its client.</summary>
    private sealed class FirstChatEnds(TaskCompletionSource ended) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, following) =>
            {
                try
                {
                    await following(context);
                }
                finally
                {
                    if (context.Request.Path == "/chat")
                    {
                        ended.TrySetResult();
                    }
                }
            });
            next(app);
        };
    }
}
