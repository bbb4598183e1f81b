using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using LlmAspire.TestPostgres;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace LlmAspire.Api.Tests.Runs;

/// <summary>Two processes of the Api, each with a spool of its own, over one database; and a gateway that says a word when it is told to.</summary>
public sealed class ReplicasFixture : IAsyncLifetime
{
    internal TestGateway Gateway { get; private set; } = null!;

    internal string Database { get; private set; } = null!;

    internal ApiFactory First { get; private set; } = null!;

    internal HttpClient FirstClient { get; private set; } = null!;

    internal HttpClient SecondClient { get; private set; } = null!;

    private ApiFactory _second = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Gateway = await TestGateway.StartAsync();
        Database = await PostgresFixture.Shared.ReserveDatabaseAsync();
        First = CreateApi();
        _second = CreateApi();
        FirstClient = await First.CreateSignedInClientAsync("pro");
        SecondClient = await _second.CreateSignedInClientAsync("pro");
    }

    public async ValueTask DisposeAsync()
    {
        await First.DisposeAsync();
        await _second.DisposeAsync();
        await Gateway.DisposeAsync();
    }

    /// <summary>Another process.</summary>
    internal ApiFactory CreateApi(string grace = "00:00:01") => new(Gateway.BaseUrl)
    {
        Ledger = Database,
        Settings = { ["Chat:InterruptedAfter"] = "00:00:02", ["Usage:LivenessInterval"] = "00:00:00.2", ["Usage:ShutdownGrace"] = grace },
    };

    /// <summary>The gateway answers with these pieces and goes on when it is told.</summary>
    internal Script Play(params string[] pieces)
    {
        var script = new Script(pieces);
        Gateway.OnChat = script.AnswerAsync;
        return script;
    }

    /// <summary>Waits until what was said of a run so far is stored.</summary>
    internal Task IsStoredAsync(Guid run, string text) => Until.TrueAsync(async () => await QueryAsync<string>(
        $"SELECT coalesce(string_agg(text, '' ORDER BY attempt, first_sequence), '') FROM tenant.run_batch WHERE run_id = '{run}'") == text);

    /// <summary>Waits until a run has a state.</summary>
    internal Task IsAsync(Guid run, string state) => Until.TrueAsync(async () => await QueryAsync<string>($"SELECT state FROM tenant.run WHERE id = '{run}'") == state);

    internal async Task<T> QueryAsync<T>(string sql)
    {
        await using var source = NpgsqlDataSource.Create(Database);
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Token))!;
    }
}

/// <summary>What a model says, in two parts: the first at once, the second when it is told.</summary>
internal sealed class Script(string[] pieces)
{
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void GoOn() => _goOn.TrySetResult();

    public async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers["x-litellm-model-id"] = "chat-default-1";
        context.Response.ContentType = "text/event-stream";
        foreach (var piece in pieces[..(pieces.Length / 2)])
        {
            await SayAsync(context, piece);
        }

        await _goOn.Task.WaitAsync(context.RequestAborted);
        foreach (var piece in pieces[(pieces.Length / 2)..])
        {
            await SayAsync(context, piece);
        }

        await context.Response.WriteAsync(Answers.Finish + Answers.Usage(Answers.UsageJson) + Answers.Done);
    }

    private static async Task SayAsync(HttpContext context, string piece)
    {
        var chunk = JsonSerializer.Serialize(new { id = "c1", @object = "chat.completion.chunk", choices = new[] { new { index = 0, delta = new { content = piece } } } });
        await context.Response.WriteAsync($"data: {chunk}\n\n");
        await context.Response.Body.FlushAsync();
    }
}

internal static class RunClientExtensions
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<List<ReceivedEvent>> SendAsync(this HttpClient client, object body)
    {
        using var response = await client.ChatAsync(body);
        return await response.ReadAllEventsAsync();
    }

    public static Task<HttpResponseMessage> FollowAsync(this HttpClient client, Guid run, string? after = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"/chat/runs/{run}/events");
        if (after is not null)
        {
            request.Headers.Add("Last-Event-ID", after);
        }

        return client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
    }

    public static Task<HttpResponseMessage> ContinueAsync(this HttpClient client, Guid run) =>
        client.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/chat/runs/{run}/continue"), HttpCompletionOption.ResponseHeadersRead, Token);

    public static async Task<List<ReceivedEvent>> ReadRunAsync(this HttpClient client, Guid run, string? after = null)
    {
        using var response = await client.FollowAsync(run, after);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.ReadAllEventsAsync();
    }

    public static async Task<JsonElement> ConversationAsync(this HttpClient client, Guid id) =>
        await client.GetFromJsonAsync<JsonElement>($"/conversations/{id}", Token);

    public static Guid Id(this ReceivedEvent received, string name) => received.Data.GetProperty(name).GetGuid();

    public static string Text(this IEnumerable<ReceivedEvent> events) =>
        events.Aggregate(new StringBuilder(), (text, one) => one.Type switch
        {
            "reset" => text.Clear().Append(one.Data.GetProperty("text").GetString()),
            "delta" => text.Append(one.Data.GetProperty("text").GetString()),
            _ => text,
        }).ToString();

    public static IEnumerable<string> Lines(this IEnumerable<ReceivedEvent> events) =>
        events.Select(one => $"{one.Id} {one.Type} {JsonSerializer.Serialize(one.Data)}");

    /// <summary>Reads until the text is there.</summary>
    public static async Task<List<ReceivedEvent>> ReadUntilAsync(this IAsyncEnumerator<ReceivedEvent> events, Func<List<ReceivedEvent>, bool> enough)
    {
        List<ReceivedEvent> read = [];
        do
        {
            Assert.True(await events.MoveNextAsync());
            read.Add(events.Current);
        }
        while (!enough(read));

        return read;
    }
}
