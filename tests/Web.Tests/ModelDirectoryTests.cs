using Bunit;
using LlmAspire.Web.Models;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using TestContext = Xunit.TestContext;

namespace LlmAspire.Web.Tests;

public class ModelDirectoryTests
{
    [Fact]
    public async Task the_page_says_safe_mode_and_leaves_it_when_the_list_comes()
    {
        await using var test = await PageTestContext.StartAsync(api => api.Models = Unavailable);
        test.Until(() => Assert.Single(test.FindAll(TestIds.SafeModeNotice)));
        test.Until(() => Assert.Equal("Safe one", test.Find(TestIds.ModelPicker).GetAttribute("value")));
        var inSafeMode = await test.AskAsync("Hi");
        Assert.Equal("safe-one", inSafeMode.Body.GetProperty("model").GetString());
        await inSafeMode.AnswerAsync("Hi.");
        test.UntilState("done");

        test.Api.Models = context => context.Response.WriteAsJsonAsync(FakeApi.TwoModels);
        await test.OnAsync($"[data-testid={TestIds.SafeModeNotice}] button", button => button.ClickAsync(new()));

        test.Until(() => Assert.Empty(test.FindAll(TestIds.SafeModeNotice)));
        test.Until(() => Assert.Equal("GPT-4.1 mini", test.Find(TestIds.ModelPicker).GetAttribute("value")));
    }

    [Fact]
    public async Task the_page_says_that_a_stale_list_may_be_out_of_date()
    {
        await using var test = await PageTestContext.StartAsync(api => api.Models = context =>
        {
            context.Response.Headers["X-Models-Stale"] = "true";
            return context.Response.WriteAsJsonAsync(FakeApi.TwoModels);
        });

        test.Until(() => Assert.Single(test.FindAll(TestIds.StaleNotice)));
        Assert.Empty(test.FindAll(TestIds.SafeModeNotice));
        test.Until(() => Assert.Equal("GPT-4.1 mini", test.Find(TestIds.ModelPicker).GetAttribute("value")));
    }

    [Fact]
    public async Task it_keeps_asking_ever_slower_until_the_list_is_live()
    {
        var time = new FakeTimeProvider();
        var asked = 0;
        await using var api = await FakeApi.StartAsync();
        api.Models = context =>
        {
            asked++;
            return FakeApi.ProblemAsync(context, StatusCodes.Status500InternalServerError);
        };
        using var http = new HttpClient { BaseAddress = api.Address };
        await using var directory = Create(http, time);

        await RefreshedAsync(directory, directory.Start);
        foreach (var seconds in (int[])[2, 4, 8, 16, 30, 30])
        {
            Assert.Equal(ModelListState.SafeMode, directory.State);
            var before = asked;
            time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
            Assert.Equal(before, asked);
            await RefreshedAsync(directory, () => time.Advance(TimeSpan.FromTicks(1)));
            Assert.Equal(before + 1, asked);
        }

        api.Models = context => context.Response.WriteAsJsonAsync(FakeApi.TwoModels);
        await RefreshedAsync(directory, () => time.Advance(TimeSpan.FromSeconds(30)));

        Assert.Equal(ModelListState.Live, directory.State);
        Assert.Equal(["chat-default", "claude-default"], directory.Models.Select(model => model.Id));
    }

    [Fact]
    public async Task it_waits_as_long_as_the_api_asks()
    {
        var time = new FakeTimeProvider();
        await using var api = await FakeApi.StartAsync();
        api.Models = Unavailable;
        using var http = new HttpClient { BaseAddress = api.Address };
        await using var directory = Create(http, time);
        await RefreshedAsync(directory, directory.Start);
        api.Models = context => context.Response.WriteAsJsonAsync(FakeApi.TwoModels);

        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal(ModelListState.SafeMode, directory.State);
        await RefreshedAsync(directory, () => time.Advance(TimeSpan.FromSeconds(0.1)));

        Assert.Equal(ModelListState.Live, directory.State);
    }

    [Fact]
    public async Task a_list_once_had_is_kept_when_it_cannot_be_had_again()
    {
        var time = new FakeTimeProvider();
        await using var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        await using var directory = Create(http, time);
        await RefreshedAsync(directory, directory.Start);
        api.Models = Unavailable;
        time.Advance(TimeSpan.FromMinutes(2));

        await RefreshedAsync(directory, directory.RefreshIfOld);

        Assert.Equal(ModelListState.Stale, directory.State);
        Assert.Equal(2, directory.Models.Count);
    }

    [Fact]
    public async Task a_choice_outlasts_a_list_without_it_and_is_never_a_model_that_is_away()
    {
        var time = new FakeTimeProvider();
        await using var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        await using var directory = Create(http, time);
        await RefreshedAsync(directory, directory.Start);
        directory.Select("claude-default");
        Assert.Equal("claude-default", directory.Selected?.Id);

        api.Models = context => context.Response.WriteAsJsonAsync(new object[]
        {
            new { id = "gone", available = false },
            new { id = "claude-default", available = false },
            new { id = "chat-default", available = true },
        });
        await RefreshedAsync(directory, directory.Refresh);
        Assert.Equal("chat-default", directory.Selected?.Id);

        api.Models = context => context.Response.WriteAsJsonAsync(FakeApi.TwoModels);
        await RefreshedAsync(directory, directory.Refresh);
        Assert.Equal("claude-default", directory.Selected?.Id);
    }

    private static Task Unavailable(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "5";
        return FakeApi.ProblemAsync(context, StatusCodes.Status503ServiceUnavailable, "gateway_starting");
    }

    private static ModelDirectory Create(HttpClient http, TimeProvider time)
    {
        var safeMode = new SafeModeOptions();
        safeMode.Models.Add(new ModelInfo("safe-one"));
        return new ModelDirectory(NoTokens.Client(http, time), Options.Create(safeMode), time, NullLogger<ModelDirectory>.Instance);
    }

    /// <summary>Does something that makes the directory ask, and waits until it waits again.</summary>
    private static async Task RefreshedAsync(ModelDirectory directory, Action cause)
    {
        var refreshed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Check()
        {
            if (!directory.Refreshing)
            {
                refreshed.TrySetResult();
            }
        }

        directory.Changed += Check;
        cause();
        await refreshed.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        directory.Changed -= Check;
    }
}
