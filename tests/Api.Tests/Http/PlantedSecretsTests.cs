using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.Api.Tools;
using LlmAspire.TestPostgres;
using Microsoft.Extensions.AI;
using Npgsql;

namespace LlmAspire.Api.Tests.Http;

/// <summary>Secrets are planted wherever a user or the gateway can send text, and then looked for where they must not be.</summary>
public sealed class PlantedSecretsTests : IAsyncLifetime
{
    /// <summary>Where conversations and prompts are kept; there, and nowhere else, is what people and models said.</summary>
    private static readonly string[] Conversations = ["tenant.conversation", "tenant.message", "tenant.prompt", "tenant.prompt_version", "tenant.run_batch"];

    private readonly ConcurrentQueue<Activity> _spans = [];
    private readonly List<string> _problems = [];
    private readonly string _toolFault = Secret("tool-fault");
    private string _toolResult = "";
    private readonly ActivityListener _listener;
    private TestGateway _gateway = null!;
    private string _database = null!;
    private ApiFactory _api = null!;
    private HttpClient _client = null!;

    public PlantedSecretsTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _spans.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _gateway = await TestGateway.StartAsync();
        _database = await PostgresFixture.Shared.ReserveDatabaseAsync();
        _api = new ApiFactory(_gateway.BaseUrl)
        {
            Ledger = _database,
            Environment = "Production",
            Replace = services => services.AddChatTool(AIFunctionFactory.Create(UseTool, "secretive", "Has secrets."), "Secretive"),
            Settings =
            {
                ["LLM_MODEL_PROMPT_GEN"] = "chat-default",
                ["Logging:LogLevel:Default"] = "Debug",
                ["Logging:LogLevel:Microsoft.EntityFrameworkCore"] = "Debug",
                ["Logging:LogLevel:Microsoft.Extensions.AI"] = "Trace",
                ["Logging:LogLevel:Npgsql"] = "Debug",
            },
        };
        _client = await _api.CreateReadyClientAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        _client.Dispose();
        await _api.DisposeAsync();
        await _gateway.DisposeAsync();
    }

    [Fact]
    public async Task what_is_secret_is_in_no_log_span_problem_or_table()
    {
        string[] said = [Secret("prompt"), Secret("answer"), Secret("refused-prompt"), Secret("cut"), Secret("argument"), Secret("result"), Secret("bad-argument")];
        _toolResult = said[5];
        string[] prompts = [Secret("saved-prompt"), Secret("prompt-name"), Secret("description"), Secret("refused-description"), Secret("existing"), Secret("draft")];
        string[] upstream = [Secret("gateway-error"), Secret("gateway-event")];
        string[] passwords = [Secret("password"), Secret("wrong-password"), Secret("next-password")];
        var email = AccountsFixture.NewEmail();

        await ProblemAsync(HttpMethod.Post, "/identity/register", new { email = "no address", password = passwords[0], organisationName = "Acme" });
        using var registered = await _client.SendAsync(HttpMethod.Post, "/identity/register", null, new { email, password = passwords[0], organisationName = "Acme" });
        Assert.Equal(HttpStatusCode.Created, registered.StatusCode);
        await ProblemAsync(HttpMethod.Post, "/identity/login", new { email, password = passwords[1] });
        var first = await _client.SignInAsync(email, passwords[0]);
        using var changed = await _client.SendAsync(
            HttpMethod.Post, "/identity/password", first.Access, new { currentPassword = passwords[0], newPassword = passwords[2] });
        var tokens = await changed.ReadTokensAsync();
        using var invited = await _client.SendAsync(HttpMethod.Post, "/organisation/invitations", tokens.Access, new { });
        var invitation = (await invited.ReadAsync(HttpStatusCode.Created)).GetProperty("token").GetString()!;
        using var made = await _client.SendAsync(HttpMethod.Post, "/identity/api-keys", tokens.Access, new { name = "k" });
        var key = (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("key").GetString()!;
        await ProblemAsync(HttpMethod.Post, "/identity/refresh", new { refreshToken = first.Refresh });
        await ProblemAsync(HttpMethod.Get, "/identity/me", null, first.Access);

        _gateway.OnChat = Answers.SendStream(Answers.Stream.Replace("Hello", said[1], StringComparison.Ordinal));
        Assert.Contains(await ChatAsync(said[0], key), received => received.Data.GetRawText().Contains(said[1], StringComparison.Ordinal));
        _gateway.OnChat = Answers.SendJson(
            400, $$$"""{"error":{"message":"{{{upstream[0]}}}: '{{{said[2]}}}' is not allowed","type":"bad","code":"400"}}""");
        await ProblemAsync(HttpMethod.Post, "/chat", new { message = said[2] }, tokens.Access);
        _gateway.OnChat = Answers.SendStream(Answers.Content + Answers.ErrorEvent.Replace("secret-upstream", upstream[1] + " " + said[3], StringComparison.Ordinal));
        _problems.Add((await ChatAsync(said[3], tokens.Access)).Single(received => received.Type == "error").Data.GetRawText());
        await ProblemAsync(HttpMethod.Post, "/chat", new { message = said[0], model = 7 }, tokens.Access);
        Assert.Contains(await CallToolAsync(said[4], key), received => received.Data.GetRawText().Contains(said[5], StringComparison.Ordinal));
        Assert.DoesNotContain(await CallToolAsync(said[6], key, fails: true), received => received.Data.GetRawText().Contains(_toolFault, StringComparison.Ordinal));
        await ProblemAsync(HttpMethod.Post, "/chat", new { message = said[0], tools = new[] { "nothing" } }, tokens.Access);

        await UseOpenAiAsync(said, upstream, key);
        await UsePromptsAsync(prompts, upstream[0], tokens.Access);
        said = [.. said, .. prompts];

        string[] credentials = [.. passwords, first.Access, first.Refresh, tokens.Access, tokens.Refresh, invitation, key, TestGateway.Key + "-"];
        AssertAbsent([_toolFault], [.. _api.Logs.Entries.Select(entry => entry.Text), .. _spans.ToArray().SelectMany(Texts), .. _problems], "log, span or problem");
        AssertAbsent([.. said, .. credentials], _api.Logs.Entries.Select(entry => entry.Text), "log");
        AssertAbsent([.. said, .. upstream, .. credentials], _spans.ToArray().SelectMany(Texts), "span");
        AssertAbsent([.. said, .. upstream, .. credentials], _problems, "problem");
        await AssertAbsentFromTablesAsync(said, [.. upstream, .. credentials]);
        // What the gateway said of itself is for the operator.
        Assert.Contains(_spans, span => span.DisplayName == "execute_tool secretive" && span.Status == ActivityStatusCode.Unset);
        Assert.Contains(_spans, span => span.DisplayName == "execute_tool secretive" && span.Status == ActivityStatusCode.Error && (string?)span.GetTagItem("error.type") == "failed");
        Assert.All(upstream, text => Assert.Contains(_api.Logs.Entries, entry => entry.Text.Contains(text, StringComparison.Ordinal)));
    }

    private async Task UseOpenAiAsync(string[] said, string[] upstream, string key)
    {
        const string Path = "/v1/chat/completions";
        object Ask(string text, bool stream) => new { model = "chat-default", stream, messages = new[] { new { role = "user", content = text } } };
        _gateway.OnChat = Answers.SendStream(Answers.Stream.Replace("Hello", said[1], StringComparison.Ordinal));
        using var answer = await _client.SendAsync(HttpMethod.Post, Path, key, Ask(said[0], stream: true));
        Assert.Contains(said[1], await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        _gateway.OnChat = Answers.SendJson(
            400, $$$"""{"error":{"message":"{{{upstream[0]}}}: '{{{said[2]}}}' is not allowed","type":"bad","code":"400"}}""");
        await ProblemAsync(HttpMethod.Post, Path, Ask(said[2], stream: true), key);
        await ProblemAsync(HttpMethod.Post, Path, Ask(said[2], stream: false), key);
        _gateway.OnChat = Answers.SendStream(Answers.Content + Answers.ErrorEvent.Replace("secret-upstream", upstream[1] + " " + said[3], StringComparison.Ordinal));
        using var broken = await _client.SendAsync(HttpMethod.Post, Path, key, Ask(said[3], stream: true));
        _problems.Add(await broken.Content.ReadAsStringAsync(Cancellation));
        Assert.Contains("\"error\"", _problems[^1], StringComparison.Ordinal);
        await ProblemAsync(HttpMethod.Post, Path, new { model = "chat-default", messages = said[0] }, key);
        await ProblemAsync(HttpMethod.Post, Path, Ask(said[0], stream: true), key + "x");
    }

    private async Task UsePromptsAsync(string[] secrets, string upstream, string bearer)
    {
        using var saved = await _client.SendAsync(HttpMethod.Post, "/prompts", bearer, new { name = secrets[1], text = secrets[0] });
        var id = (await saved.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
        using var changed = await _client.SendAsync(HttpMethod.Put, $"/prompts/{id}", bearer, new { version = 1, text = secrets[0] + "!" });
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        using var found = await _client.SendAsync(HttpMethod.Get, $"/prompts?search={secrets[1]}", bearer);
        Assert.Single((await found.ReadAsync()).GetProperty("items").EnumerateArray());
        await ProblemAsync(HttpMethod.Put, $"/prompts/{id}", new { version = 1, text = secrets[0] }, bearer);
        await ProblemAsync(HttpMethod.Post, "/prompts", new { name = secrets[1], text = secrets[0], visibility = "nobody" }, bearer);
        _gateway.OnChat = Answers.SendJson(
            400, $$$"""{"error":{"message":"{{{upstream}}}: '{{{secrets[0]}}}!' is not allowed","type":"bad","code":"400"}}""");
        await ProblemAsync(HttpMethod.Post, "/chat", new { message = "Hi", promptId = id }, bearer);
        _gateway.OnChat = context => Answers.Normal(context);
        using var chat = await _client.SendAsync(HttpMethod.Post, "/chat", bearer, new { message = "Hi", promptId = id });
        Assert.Equal("done", (await chat.ReadAllEventsAsync())[^1].Type);

        _gateway.OnChat = Answers.SendStream(Answers.Stream.Replace("Hello", secrets[5], StringComparison.Ordinal));
        using var draft = await _client.SendAsync(HttpMethod.Post, "/prompts/system", bearer, new { description = secrets[2], existing = secrets[4] });
        Assert.Contains(await draft.ReadAllEventsAsync(), received => received.Data.GetRawText().Contains(secrets[5], StringComparison.Ordinal));
        _gateway.OnChat = Answers.SendJson(
            400, $$$"""{"error":{"message":"{{{upstream}}}: '{{{secrets[3]}}}' is not allowed","type":"bad","code":"400"}}""");
        await ProblemAsync(HttpMethod.Post, "/prompts/system", new { description = secrets[3] }, bearer);
    }

    private static string Secret(string kind) => $"{kind}-{Guid.NewGuid():N}";

    private async Task<List<ReceivedEvent>> ChatAsync(string message, string bearer)
    {
        using var answer = await _client.SendAsync(HttpMethod.Post, "/chat", bearer, new { message });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.ReadAllEventsAsync();
    }

    private string UseTool(string text, bool fails) => fails ? throw new InvalidOperationException($"{_toolFault} {text}") : _toolResult;

    /// <summary>The model calls the tool with a secret, and then answers.</summary>
    private async Task<List<ReceivedEvent>> CallToolAsync(string argument, string bearer, bool fails = false)
    {
        var calls = _gateway.Chats.Count;
        var arguments = JsonSerializer.Serialize(JsonSerializer.Serialize(new { text = argument, fails }));
        _gateway.OnChat = context => _gateway.Chats.Count > calls + 1
            ? Answers.Normal(context)
            : Answers.SendStream(
                $$$"""data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"id":"call_1","function":{"arguments":{{{arguments}}},"name":"secretive"},"type":"function","index":0}]}}]}"""
                + "\n\n" + Answers.Finish.Replace("stop", "tool_calls", StringComparison.Ordinal) + Answers.Usage(Answers.UsageJson) + Answers.Done)(context);
        using var answer = await _client.SendAsync(HttpMethod.Post, "/chat", bearer, new { message = "Use it", tools = new[] { "secretive" } });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.ReadAllEventsAsync();
    }

    private async Task ProblemAsync(HttpMethod method, string path, object? body, string? bearer = null)
    {
        using var answer = await _client.SendAsync(method, path, bearer, body);
        Assert.False(answer.IsSuccessStatusCode, $"{method} {path} answers {answer.StatusCode}.");
        _problems.Add(await answer.Content.ReadAsStringAsync(Cancellation));
    }

    private static IEnumerable<string> Texts(Activity span) =>
    [
        span.DisplayName,
        span.StatusDescription ?? "",
        .. span.TagObjects.Select(tag => $"{tag.Key}={tag.Value}"),
        .. span.Baggage.Select(item => $"{item.Key}={item.Value}"),
        .. span.Events.SelectMany(@event => @event.Tags.Select(tag => $"{@event.Name} {tag.Key}={tag.Value}")),
    ];

    private static void AssertAbsent(string[] secrets, IEnumerable<string> texts, string where)
    {
        var all = texts.ToList();
        Assert.NotEmpty(all);
        foreach (var secret in secrets)
        {
            var found = all.Find(text => text.Contains(secret, StringComparison.Ordinal));
            Assert.True(found is null, $"{secret} is in a {where}: {found}");
        }
    }

    private async Task AssertAbsentFromTablesAsync(string[] said, string[] others)
    {
        await using var source = NpgsqlDataSource.Create(_database);
        var tables = new List<string>();
        await using (var command = source.CreateCommand("SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"))
        await using (var reader = await command.ExecuteReaderAsync(Cancellation))
        {
            while (await reader.ReadAsync(Cancellation))
            {
                tables.Add(reader.GetString(0));
            }
        }

        Assert.Contains("tenant.account", tables);
        Assert.Subset(tables.ToHashSet(), Conversations.ToHashSet());
        foreach (var table in tables)
        {
            string[] secrets = Conversations.Contains(table) ? others : [.. said, .. others];
            await using var search = source.CreateCommand($"SELECT secret FROM unnest($1) AS secret WHERE EXISTS (SELECT FROM {table} AS entry WHERE entry::text LIKE '%' || secret || '%')");
            search.Parameters.AddWithValue(secrets);
            Assert.True(await search.ExecuteScalarAsync(Cancellation) is not string found, $"A secret is in {table}.");
        }
    }
}
