using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Tests.Runs;
using LlmAspire.TestPostgres;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace LlmAspire.Api.Tests.Conversations;

public class TitleTests
{
    private const string Namer = "prompt-helper";

    private const string Message = "How is bread made at home, if there is only a small oven and no yeast in the house?";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Bread without yeast", "Bread without yeast")]
    [InlineData("\n**\"Bread at home.\"**\n\nI hope this helps", "Bread at home")]
    public async Task a_model_names_a_conversation_by_its_first_answer(string said, string title)
    {
        await using var gateway = await TestGateway.StartAsync();
        var database = await PostgresFixture.Shared.ReserveDatabaseAsync();
        await using var api = CreateApi(gateway, database);
        var client = await api.CreateSignedInClientAsync("pro");
        gateway.OnChat = context => IsNamer(gateway) ? SayAsync(context, said) : Answers.Normal(context);

        var run = (await client.SendAsync(new { message = Message }))[0];
        await Until.TrueAsync(async () => await TitleAsync(client, run) == title);

        var asked = gateway.Chats.Single(chat => chat.Body.GetProperty("model").GetString() == Namer).Body.GetRawText();
        Assert.Contains(Message, asked, StringComparison.Ordinal);
        Assert.Contains("Hello, world", asked, StringComparison.Ordinal);
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand("SELECT string_agg(operation || ' ' || model_alias, ', ' ORDER BY id) FROM ledger.usage_inbox WHERE request_id = $1");
        command.Parameters.AddWithValue(run.Id("requestId"));
        Assert.Equal($"chat chat-default, title {Namer}", await command.ExecuteScalarAsync(Token));

        // It has its name: nobody is asked again.
        await client.SendAsync(new { message = "And then?", conversationId = run.Id("conversationId") });
        await client.SendAsync(new { message = "Edited", conversationId = run.Id("conversationId"), parentMessageId = run.Id("conversationId") });
        await api.DisposeAsync();
        Assert.Single(gateway.Chats, chat => chat.Body.GetProperty("model").GetString() == Namer);
    }

    [Fact]
    public async Task a_name_that_cannot_be_had_or_was_given_by_the_user_is_left()
    {
        await using var gateway = await TestGateway.StartAsync();
        var database = await PostgresFixture.Shared.ReserveDatabaseAsync();
        await using var api = CreateApi(gateway, database);
        var client = await api.CreateSignedInClientAsync("pro");
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.OnChat = async context =>
        {
            if (!IsNamer(gateway))
            {
                await Answers.Normal(context);
                return;
            }

            asked.TrySetResult();
            await goOn.Task;
            await SayAsync(context, "The model's");
        };
        var named = (await client.SendAsync(new { message = Message }))[0];
        await asked.Task.WaitAsync(Token);
        Assert.Equal(Message[..60], await TitleAsync(client, named));
        using (await client.PatchAsJsonAsync($"/conversations/{named.Id("conversationId")}", new { title = "Mine" }, Token))
        {
            goOn.SetResult();
        }

        gateway.OnChat = context => IsNamer(gateway) ? Answers.SendJson(500, Answers.ErrorBody)(context) : Answers.Normal(context);
        await client.SendAsync(new { message = "Second" });
        await Until.TrueAsync(() => gateway.Chats.Count(chat => chat.Body.GetProperty("model").GetString() == Namer) == 2);
        // A shutdown waits until the names are settled.
        await api.DisposeAsync();

        await using var source = NpgsqlDataSource.Create(database);
        await using var titles = source.CreateCommand("SELECT string_agg(title, ', ' ORDER BY id) FROM tenant.conversation");
        Assert.Equal("Mine, Second", await titles.ExecuteScalarAsync(Token));
        await using var rows = source.CreateCommand("SELECT count(*) FROM ledger.usage_inbox WHERE operation = 'title'");
        Assert.Equal(2L, await rows.ExecuteScalarAsync(Token));
    }

    private static ApiFactory CreateApi(TestGateway gateway, string database) =>
        new(gateway.BaseUrl) { Ledger = database, Settings = { ["Chat:GenerateTitles"] = "true" } };

    // The request was noted just before it is answered; no two are made at once.
    private static bool IsNamer(TestGateway gateway) => gateway.Chats.Last().Body.GetProperty("model").GetString() == Namer;

    private static Task SayAsync(HttpContext context, string text)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(Answers.Plain.Replace("\"Hello, world\"", JsonSerializer.Serialize(text), StringComparison.Ordinal));
    }

    private static async Task<string?> TitleAsync(HttpClient client, ReceivedEvent run) =>
        (await client.ConversationAsync(run.Id("conversationId"))).GetProperty("title").GetString();
}
