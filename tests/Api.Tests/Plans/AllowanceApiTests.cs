using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Chat;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Plans;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.Api.Tests.Runs;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.Api.Tests.Plans;

/// <summary>Pro and basic are members of one organisation, whose plan is pro; rival is in another.</summary>
public class AllowanceApiTests
{
    /// <summary>What goes with each call to chat-default.</summary>
    private const int OutputCap = 4096;

    private static readonly object Hi = new { message = "Hi" };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_message_that_does_not_fit_beside_those_of_colleagues_is_429_and_not_sent()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await ApiAsync(gateway, "6000");
        var pro = await api.CreateSignedInClientAsync("pro");
        var basic = await api.CreateSignedInClientAsync("basic");
        var rival = await api.CreateSignedInClientAsync("rival");
        gateway.OnChat = Answers.SendAndWait(Answers.Content);
        using var held = await pro.ChatAsync(Hi);
        Assert.Equal(HttpStatusCode.OK, held.StatusCode);

        using var refused = await basic.ChatAsync(Hi);
        using var other = await rival.ChatAsync(Hi);

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        var problem = await refused.ReadProblemAsync();
        Assert.Equal("allowance_exceeded", problem.GetProperty("code").GetString());
        Assert.Equal(TimeSpan.FromSeconds(5), refused.Headers.RetryAfter!.Delta);
        var reserved = problem.GetProperty("reserved").GetInt64();
        Assert.InRange(reserved, OutputCap + 1, 6000);
        Assert.Equal((6000, 0, 6000 - reserved), (problem.GetProperty("limit").GetInt64(), problem.GetProperty("used").GetInt64(), problem.GetProperty("remaining").GetInt64()));
        Assert.Equal((1, 0), (problem.GetProperty("resetsAt").GetDateTimeOffset().Day, problem.GetProperty("resetsAt").GetDateTimeOffset().Hour));
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.Equal(2, gateway.Chats.Count);
        Assert.Equal(reserved, await QueryAsync(api, "SELECT sum(reserved_prompt_tokens + reserved_completion_tokens)::bigint / 2 FROM ledger.open_call"));
    }

    [Fact]
    public async Task a_message_that_would_never_fit_is_told_to_wait_for_the_next_month()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await ApiAsync(gateway, "6000");
        var client = await api.CreateSignedInClientAsync();

        using var refused = await client.ChatAsync(new { message = new string('x', 3000) });

        Assert.Contains("Shorten", await refused.IsProblemAsync(HttpStatusCode.TooManyRequests, "allowance_exceeded"));
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromDays(31));
        Assert.Equal(0L, await QueryAsync(api, "SELECT count(*) FROM ledger.allowance"));
        Assert.Empty(gateway.Chats);
    }

    [Fact]
    public async Task a_message_that_does_not_fit_leaves_nothing_in_its_conversation_nor_a_new_one()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await ApiAsync(gateway, "6000");
        var client = await api.CreateSignedInClientAsync();
        // Its reserve stays: nothing ingests here.
        var first = (await client.SendAsync(Hi))[0].Data;
        var (conversationId, answerId) = (first.GetProperty("conversationId").GetGuid(), first.GetProperty("messageId").GetGuid());

        using var followed = await client.ChatAsync(new { conversationId, message = "And then?" });
        using var begun = await client.ChatAsync(Hi);

        await followed.IsProblemAsync(HttpStatusCode.TooManyRequests, "allowance_exceeded");
        await begun.IsProblemAsync(HttpStatusCode.TooManyRequests, "allowance_exceeded");
        using var conversation = await client.GetAsync($"/conversations/{conversationId}", Token);
        var stored = await conversation.ReadAsync();
        Assert.Equal(answerId, stored.GetProperty("currentMessageId").GetGuid());
        Assert.Equal(2, stored.GetProperty("messages").GetArrayLength());
        Assert.Equal(1L, await QueryAsync(api, "SELECT count(*) FROM tenant.conversation"));
        Assert.Equal(2L, await QueryAsync(api, "SELECT count(*) FROM tenant.message"));
        Assert.Equal(1L, await QueryAsync(api, "SELECT count(*) FROM tenant.run"));
    }

    [Fact]
    public async Task two_hundred_messages_at_once_on_two_replicas_do_not_exceed_an_allowance_for_fifty()
    {
        const long Limit = 50 * (OutputCap + 300);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = async context =>
        {
            await release.Task;
            await Answers.Normal(context);
        };
        await using var one = await ApiAsync(gateway, $"{Limit}");
        await using var two = new ApiFactory(gateway.BaseUrl) { Ledger = one.Ledger };
        foreach (var api in (ApiFactory[])[one, two])
        {
            api.Settings["Plans:Pro:TokensPerMonth"] = $"{Limit}";
            api.Settings["Plans:Pro:ConcurrentRuns"] = "1000";
            api.Settings["Chat:StartPatience"] = "00:01:00";
        }

        HttpClient[] clients = [await one.CreateSignedInClientAsync(), await two.CreateSignedInClientAsync()];
        var asking = Enumerable.Range(0, 200).Select(number => clients[number % 2].ChatAsync(Hi)).ToList();
        // Each is refused, or held by the gateway.
        await Until.TrueAsync(() => asking.Count(ask => ask.IsCompleted) + gateway.Chats.Count == asking.Count);
        var reserved = await QueryAsync(one, "SELECT sum(reserved_tokens)::bigint FROM ledger.allowance");
        release.SetResult();
        var answers = await Task.WhenAll(asking);

        var accepted = answers.Where(answer => answer.StatusCode == HttpStatusCode.OK).ToList();
        Assert.InRange(reserved, 1, Limit);
        Assert.Equal(Limit / (reserved / accepted.Count), accepted.Count);
        Assert.InRange(accepted.Count, 50, 53);
        foreach (var refused in answers.Except(accepted))
        {
            await refused.IsProblemAsync(HttpStatusCode.TooManyRequests, "allowance_exceeded");
        }

        foreach (var answer in accepted)
        {
            Assert.Equal("done", (await answer.ReadAllEventsAsync())[^1].Type);
        }

        Assert.Equal(accepted.Count, gateway.Chats.Count);
        var ingestion = ActivatorUtilities.CreateInstance<UsageIngestion>(one.Services);
        while (await ingestion.IngestAsync(500, Token) is { Taken: > 0 })
        {
        }

        Assert.Equal(0L, await QueryAsync(one, "SELECT sum(reserved_tokens)::bigint + (SELECT count(*) FROM ledger.open_call) FROM ledger.allowance"));
        Assert.Equal(0L, await QueryAsync(one, "SELECT (SELECT sum(prompt_tokens + completion_tokens) FROM ledger.llm_usage)::bigint - sum(used_tokens)::bigint FROM ledger.allowance"));
        Assert.Equal(accepted.Count, await QueryAsync(one, "SELECT count(*) FROM ledger.llm_usage"));
        Assert.Equal(accepted.Count * 2, await QueryAsync(one, "SELECT count(*) FROM tenant.message"));
        foreach (var answer in answers)
        {
            answer.Dispose();
        }
    }

    [Fact]
    public async Task an_estimate_is_what_the_message_then_reserves()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await ApiAsync(gateway, "6000");
        var client = await api.CreateSignedInClientAsync();
        var message = new { message = "Grüße, \"und\" so fort \U0001F600" };

        var estimate = await EstimateAsync(client, message);

        Assert.Empty(gateway.Chats);
        var allowance = estimate.GetProperty("allowance");
        Assert.Equal((6000, 0, 6000), (allowance.GetProperty("limit").GetInt64(), allowance.GetProperty("reserved").GetInt64(), allowance.GetProperty("remaining").GetInt64()));
        Assert.True(estimate.GetProperty("fits").GetBoolean());
        Assert.Equal("chat-default", estimate.GetProperty("model").GetString());
        Assert.Equal(OutputCap, estimate.GetProperty("maxOutputTokens").GetInt64());
        var reserve = estimate.GetProperty("reserved").GetInt64();
        Assert.InRange(estimate.GetProperty("promptTokens").GetInt64(), 10, reserve - OutputCap);

        gateway.OnChat = Answers.SendAndWait(Answers.Content);
        using var held = await client.ChatAsync(message);

        Assert.Equal(reserve, await QueryAsync(api, "SELECT reserved_tokens FROM ledger.allowance"));
        Assert.Equal(OutputCap, Assert.Single(gateway.Chats).Body.GetProperty("max_completion_tokens").GetInt64());
        var again = await EstimateAsync(client, message);
        Assert.False(again.GetProperty("fits").GetBoolean());
        Assert.Equal(reserve, again.GetProperty("allowance").GetProperty("reserved").GetInt64());
    }

    [Fact]
    public async Task an_estimate_is_refused_like_the_message()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await ApiAsync(gateway, "6000");
        var basic = await api.CreateSignedInClientAsync("basic");
        foreach (var path in new[] { "/chat", "/chat/estimate" })
        {
            using var empty = await basic.PostAsJsonAsync(path, new { }, Token);
            await empty.IsProblemAsync(HttpStatusCode.BadRequest, "message_empty");
            using var locked = await basic.PostAsJsonAsync(path, new { message = "Hi", model = "claude-default" }, Token);
            Assert.Equal(HttpStatusCode.Forbidden, locked.StatusCode);
            var problem = await locked.ReadProblemAsync();
            Assert.Equal("plan_required", problem.GetProperty("code").GetString());
            Assert.Equal("The model 'claude-default' needs the plan pro.", problem.GetProperty("title").GetString());
        }

        Assert.Empty(gateway.Chats);
    }

    [Fact]
    public async Task a_plan_without_limit_has_no_allowance_and_is_never_refused()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await ApiAsync(gateway, "");
        var client = await api.CreateSignedInClientAsync();

        var estimate = await EstimateAsync(client, new { message = new string('x', 90_000) });
        using var sent = await client.ChatAsync(new { message = new string('x', 90_000) });
        var me = await MeAsync(client);

        Assert.Equal(JsonValueKind.Null, estimate.GetProperty("allowance").ValueKind);
        Assert.True(estimate.GetProperty("fits").GetBoolean());
        Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        Assert.Equal(JsonValueKind.Null, me.GetProperty("limits").GetProperty("tokensPerMonth").ValueKind);
        Assert.Equal(JsonValueKind.Null, me.GetProperty("allowance").ValueKind);
    }

    [Fact]
    public async Task a_member_has_the_requests_and_runs_of_their_own_plan_and_the_tokens_of_the_organisations()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await ApiAsync(gateway, "6000");
        api.Settings["Plans:Basic:RequestsPerMinute"] = "7";
        var basic = await api.CreateSignedInClientAsync("basic");
        gateway.OnChat = Answers.SendAndWait(Answers.Content);
        using var held = await basic.ChatAsync(Hi);

        var me = await MeAsync(basic);

        Assert.Equal("""{"tokensPerMonth":6000,"requestsPerMinute":7,"concurrentRuns":2}""", me.GetProperty("limits").GetRawText());
        var allowance = me.GetProperty("allowance");
        Assert.Equal(6000, allowance.GetProperty("limit").GetInt64());
        Assert.Equal(await QueryAsync(api, "SELECT reserved_tokens FROM ledger.allowance"), allowance.GetProperty("reserved").GetInt64());
        Assert.NotEqual(0, allowance.GetProperty("reserved").GetInt64());
    }

    [Fact]
    public void in_a_stream_the_problem_has_the_same_members()
    {
        var failure = PlanProblems.AllowanceExceeded(
            new AllowanceExceededException(new DateOnly(2026, 12, 1), 100, 60, 30, 20), new DateTimeOffset(2026, 12, 31, 23, 59, 0, TimeSpan.Zero));

        var error = JsonSerializer.SerializeToElement<object>(RunError.From(failure, "trace"), JsonSerializerOptions.Web);

        Assert.Equal("allowance_exceeded", error.GetProperty("code").GetString());
        Assert.Equal((100, 60, 30, 10), (error.GetProperty("limit").GetInt32(), error.GetProperty("used").GetInt32(), error.GetProperty("reserved").GetInt32(), error.GetProperty("remaining").GetInt32()));
        Assert.Equal(new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero), error.GetProperty("resetsAt").GetDateTimeOffset());
        Assert.False(error.TryGetProperty("extensions", out _));
        var replayed = Assert.Single(StoredEvent.Deserialize(StoredEvent.Serialize([RunError.From(failure, "trace")])));
        Assert.True(JsonElement.DeepEquals(error, JsonSerializer.SerializeToElement<object>(replayed, JsonSerializerOptions.Web)));
    }

    private static async Task<ApiFactory> ApiAsync(TestGateway gateway, string tokensPerMonth) => new(gateway.BaseUrl)
    {
        Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync(),
        Settings = { ["Plans:Pro:TokensPerMonth"] = tokensPerMonth },
    };

    private static async Task<JsonElement> EstimateAsync(HttpClient client, object body)
    {
        using var response = await client.PostAsJsonAsync("/chat/estimate", body, Token);
        return await response.ReadAsync();
    }

    private static async Task<JsonElement> MeAsync(HttpClient client)
    {
        using var response = await client.GetAsync("/identity/me", Token);
        return await response.ReadAsync();
    }

    private static async Task<long> QueryAsync(ApiFactory api, string sql)
    {
        await using var source = NpgsqlDataSource.Create(api.Ledger!);
        await using var command = source.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }
}
