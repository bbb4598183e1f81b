using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.EmbeddedPostgres;
using LlmAspire.TestPostgres;

namespace LlmAspire.Api.Tests.Runs;

public class PostgresAwayTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task answers_of_an_outage_end_and_are_in_their_conversations_after_it()
    {
        await using var postgres = PostgresFixture.CreateDurable();
        var server = await postgres.GetServerAsync();
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl)
        {
            Ledger = await postgres.CreateDatabaseAsync(),
            Settings = { ["Usage:PostgresPatience"] = "00:00:01", ["Chat:InterruptedAfter"] = "00:00:02", ["Usage:LivenessInterval"] = "00:00:00.2" },
        };
        var client = await api.CreateSignedInClientAsync("pro");
        var script = new Script(["One", " two", " three", " four"]);
        gateway.OnChat = script.AnswerAsync;
        using var response = await client.ChatAsync(new { message = "Before" });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var running = (await events.ReadUntilAsync(read => read.Count == 3))[0];

        await server.StopAsync(PostgresStopMode.Immediate);
        script.GoOn();
        var rest = await events.ReadUntilAsync(read => read[^1].Type is "done" or "error");
        Assert.Equal((" three four", "done"), (rest.Text(), rest[^1].Type));

        // Known from before, so admitted: a new conversation can be begun, none that cannot be read be gone on with.
        var begun = (await client.SendAsync(new { message = "Meanwhile" }))[0];
        using (var refused = await client.ChatAsync(new { message = "More", conversationId = running.Id("conversationId") }))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.Equal("conversation_unavailable", (await refused.ReadProblemAsync()).GetProperty("code").GetString());
        }

        // It reads what the process has in memory.
        Assert.Equal("One two three four", (await client.ReadRunAsync(running.Id("runId"))).Text());

        await server.RestartAsync(PostgresStopMode.Immediate, Token);
        foreach (var (run, question) in new[] { (running, "Before"), (begun, "Meanwhile") })
        {
            JsonElement conversation = default;
            await Until.TrueAsync(async () =>
            {
                using var read = await client.GetAsync($"/conversations/{run.Id("conversationId")}", Token);
                conversation = read.IsSuccessStatusCode ? await read.Content.ReadFromJsonAsync<JsonElement>(Token) : default;
                return conversation.ValueKind == JsonValueKind.Object && conversation.GetProperty("messages")[1].GetProperty("status").GetString() == "complete";
            });
            Assert.Equal([question, "One two three four"], conversation.GetProperty("messages").EnumerateArray().Select(one => one.GetProperty("content").GetString()));
            Assert.Single(conversation.GetProperty("messages")[1].GetProperty("usage").EnumerateArray());
            Assert.Equal("One two three four", (await client.ReadRunAsync(run.Id("runId"))).Text());
        }
    }
}
