using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Tests.Runs;

namespace LlmAspire.Api.Tests.Conversations;

public class ConversationApiTests(ReplicasFixture fixture) : IClassFixture<ReplicasFixture>
{
    private HttpClient Client => fixture.FirstClient;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task an_edited_message_and_another_answer_are_branches_and_the_model_gets_the_branch()
    {
        var run = await SayAsync("Hello there", new { message = "First" });
        var conversation = run.Id("conversationId");
        var second = await SayAsync("Again", new { message = "Second", conversationId = conversation });
        Assert.Equal(["user:First", "assistant:Hello there", "user:Second"], Sent());

        await SayAsync("Other", new { conversationId = conversation, parentMessageId = second.Id("userMessageId") });
        Assert.Equal(["user:First", "assistant:Hello there", "user:Second"], Sent());
        var edited = await SayAsync("New", new { message = "First, edited", conversationId = conversation, parentMessageId = conversation });
        Assert.Equal(["user:First, edited"], Sent());

        var stored = await Client.ConversationAsync(conversation);
        var messages = stored.GetProperty("messages").EnumerateArray().ToList();
        Assert.Equal(
            ["First<-", "Hello there<-First", "Second<-Hello there", "Again<-Second", "Other<-Second", "First, edited<-", "New<-First, edited"],
            messages.Select(one => $"{Content(one)}<-{messages.Where(parent => parent.GetProperty("id").GetRawText() == one.GetProperty("parentId").GetRawText()).Select(Content).SingleOrDefault()}"));
        Assert.Equal(edited.Id("messageId"), stored.GetProperty("currentMessageId").GetGuid());
        Assert.All(messages, one => Assert.Equal("complete", one.GetProperty("status").GetString()));
        Assert.Equal("First", stored.GetProperty("title").GetString());

        // Back to the first branch; the next message follows there.
        using var back = await Client.PatchAsJsonAsync($"/conversations/{conversation}", new { currentMessageId = run.Id("messageId") }, Token);
        Assert.Equal(HttpStatusCode.NoContent, back.StatusCode);
        await SayAsync("Yes", new { message = "Third", conversationId = conversation });
        Assert.Equal(["user:First", "assistant:Hello there", "user:Third"], Sent());
    }

    [Fact]
    public async Task pages_neither_lose_nor_repeat_what_stays_while_others_come()
    {
        var client = await fixture.First.CreateSignedInClientAsync("basic");
        List<Guid> made = [];
        for (var i = 0; i < 7; i++)
        {
            made.Add((await SayAsync("A", new { message = $"Number {i}" }, client)).Id("conversationId"));
        }

        using (await client.PatchAsJsonAsync($"/conversations/{made[2]}", new { pinned = true }, Token))
        using (await client.PatchAsJsonAsync($"/conversations/{made[4]}", new { archived = true }, Token))
        {
        }

        List<Guid> listed = [];
        string? cursor = null;
        do
        {
            var page = await client.GetFromJsonAsync<JsonElement>($"/conversations?limit=2&cursor={cursor}", Token);
            listed.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetGuid()));
            cursor = page.GetProperty("next").GetString();
            await SayAsync("B", new { message = "In between" }, client);
        }
        while (cursor is not null);

        Assert.Equal([made[2], made[6], made[5], made[3], made[1], made[0]], listed);
        var archived = await client.GetFromJsonAsync<JsonElement>("/conversations?archived=true", Token);
        Assert.Equal(made[4], Assert.Single(archived.GetProperty("items").EnumerateArray()).GetProperty("id").GetGuid());
    }

    [Fact]
    public async Task pages_of_conversations_of_the_same_moment_list_each_once()
    {
        var client = await fixture.First.CreateSignedInClientAsync("operator");
        List<Guid> made = [];
        for (var i = 0; i < 7; i++)
        {
            made.Add((await SayAsync("A", new { message = $"Number {i}" }, client)).Id("conversationId"));
        }

        await fixture.QueryAsync<DateTime>($"UPDATE tenant.conversation SET updated_at = now() WHERE id IN ('{string.Join("','", made)}') RETURNING updated_at");
        List<Guid> listed = [];
        string? cursor = null;
        do
        {
            var page = await client.GetFromJsonAsync<JsonElement>($"/conversations?limit=3&cursor={cursor}", Token);
            listed.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetGuid()));
            cursor = page.GetProperty("next").GetString();
        }
        while (cursor is not null);

        Assert.Equal(made.OrderDescending(), listed);
    }

    [Theory]
    [InlineData("limit=0", "list_invalid")]
    [InlineData("limit=201", "list_invalid")]
    [InlineData("cursor=nonsense", "cursor_invalid")]
    [InlineData("cursor=bnVsbA", "cursor_invalid")]
    public async Task a_bad_page_says_so(string query, string code)
    {
        using var response = await Client.GetAsync($"/conversations?{query}", Token);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(code, (await response.ReadProblemAsync()).GetProperty("code").GetString());
    }

    [Fact]
    public async Task search_finds_words_of_titles_and_messages_and_shows_where()
    {
        var inMessage = (await SayAsync("The zebrafish <b>swims</b> upstream", new { message = "Animals?" })).Id("conversationId");
        var inTitle = (await SayAsync("Well", new { message = "zebrafish in my title" })).Id("conversationId");
        await SayAsync("Nothing", new { message = "Other things" });

        var found = (await SearchAsync("zebrafish")).ToDictionary(item => item.GetProperty("id").GetGuid());
        Assert.Equal(new HashSet<Guid> { inMessage, inTitle }, found.Keys.ToHashSet());
        // Plain text: what looks like a tag is text.
        Assert.Equal("The zebrafish <b>swims</b> upstream", found[inMessage].GetProperty("snippet").GetString());
        Assert.Equal(inMessage, Assert.Single(await SearchAsync("zebrafish upstream")).GetProperty("id").GetGuid());
        Assert.Empty(await SearchAsync("zebrafish -zebrafish"));
        Assert.Empty(await SearchAsync("'; DROP TABLE x; -- quagga"));
        var rival = await fixture.First.CreateSignedInClientAsync("rival");
        Assert.Empty((await rival.GetFromJsonAsync<JsonElement>("/conversations?search=zebrafish", Token)).GetProperty("items").EnumerateArray());
    }

    [Fact]
    public async Task a_deleted_conversation_is_gone_and_its_run_stops_while_the_ledger_keeps_its_row()
    {
        var script = fixture.Play("One", "two");
        using var response = await Client.ChatAsync(new { message = "Hi" });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var run = (await events.ReadUntilAsync(read => read[^1].Type == "delta"))[0];
        await Until.TrueAsync(async () => await fixture.QueryAsync<long>($"SELECT count(*) FROM tenant.run WHERE id = '{run.Id("runId")}'") == 1);

        using var deleted = await fixture.SecondClient.DeleteAsync($"/conversations/{run.Id("conversationId")}", Token);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        var rest = await events.ReadUntilAsync(read => read[^1].Type is "done" or "error");
        Assert.NotNull(rest);

        using var gone = await Client.GetAsync($"/conversations/{run.Id("conversationId")}", Token);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        Assert.Equal(0, await fixture.QueryAsync<long>($"SELECT count(*) FROM tenant.message WHERE conversation_id = '{run.Id("conversationId")}'"));
        Assert.Equal(1, await fixture.QueryAsync<long>($"SELECT count(*) FROM ledger.usage_inbox WHERE conversation_id = '{run.Id("conversationId")}'"));
        script.GoOn();
    }

    [Fact]
    public async Task an_export_is_a_document_of_the_branch_or_all_of_it()
    {
        var run = await SayAsync("# Not a title\n\n- point", new { message = "List\nsomething" });
        var id = run.Id("conversationId");
        using var markdown = await Client.GetAsync($"/conversations/{id}/export?format=markdown", Token);
        Assert.Equal("attachment", markdown.Content.Headers.ContentDisposition?.DispositionType);
        Assert.Equal("text/markdown", markdown.Content.Headers.ContentType?.MediaType);
        var created = (await Client.ConversationAsync(id)).GetProperty("createdAt").GetDateTimeOffset();
        Assert.Equal(
            $"# List something\n\n{created.UtcDateTime:yyyy-MM-dd HH:mm} UTC\n\n## You\n\nList\nsomething\n\n## chat-default\n\n# Not a title\n\n- point\n",
            await markdown.Content.ReadAsStringAsync(Token));

        using var json = await Client.GetAsync($"/conversations/{id}/export?format=json", Token);
        Assert.Equal(
            JsonSerializer.Serialize(await Client.ConversationAsync(id)),
            JsonSerializer.Serialize(await json.Content.ReadFromJsonAsync<JsonElement>(Token)));
        using var unknown = await Client.GetAsync($"/conversations/{id}/export?format=pdf", Token);
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
    }

    [Fact]
    public async Task somebody_elses_do_not_exist()
    {
        var run = await SayAsync("Mine", new { message = "Secret" });
        var (id, runId) = (run.Id("conversationId"), run.Id("runId"));
        foreach (var user in new[] { "enterprise", "rival" })
        {
            var other = await fixture.First.CreateSignedInClientAsync(user);
            HttpResponseMessage[] answers =
            [
                await other.GetAsync($"/conversations/{id}", Token),
                await other.PatchAsJsonAsync($"/conversations/{id}", new { title = "Taken" }, Token),
                await other.DeleteAsync($"/conversations/{id}", Token),
                await other.GetAsync($"/conversations/{id}/export", Token),
                await other.ChatAsync(new { message = "Hi", conversationId = id }),
                await other.ChatAsync(new { message = "Hi", conversationId = id, parentMessageId = run.Id("messageId") }),
                await other.ChatAsync(new { conversationId = id, parentMessageId = run.Id("userMessageId") }),
                await other.GetAsync($"/chat/runs/{runId}/events", Token),
                await other.DeleteAsync($"/chat/runs/{runId}", Token),
                await other.PostAsync($"/chat/runs/{runId}/continue", null, Token),
            ];
            foreach (var answer in answers)
            {
                using (answer)
                {
                    Assert.True(answer.StatusCode == HttpStatusCode.NotFound, $"{answer.RequestMessage!.Method} {answer.RequestMessage.RequestUri}: {answer.StatusCode}");
                    await answer.ReadProblemAsync();
                }
            }
        }

        Assert.Equal("Secret", (await Client.ConversationAsync(id)).GetProperty("title").GetString());
    }

    [Fact]
    public async Task a_failure_that_is_told_as_a_status_leaves_nothing()
    {
        var client = await fixture.First.CreateSignedInClientAsync("enterprise");
        var run = await SayAsync("Well", new { message = "Good" }, client);
        fixture.Gateway.OnChat = Answers.SendJson(500, Answers.ErrorBody);

        using var inNew = await client.ChatAsync(new { message = "Hi" });
        using var inOld = await client.ChatAsync(new { message = "Hi", conversationId = run.Id("conversationId") });

        Assert.Equal((HttpStatusCode.BadGateway, HttpStatusCode.BadGateway), (inNew.StatusCode, inOld.StatusCode));
        var after = await client.ConversationAsync(run.Id("conversationId"));
        Assert.Equal(run.Id("messageId"), after.GetProperty("currentMessageId").GetGuid());
        Assert.Equal(2, after.GetProperty("messages").GetArrayLength());
        var page = await client.GetFromJsonAsync<JsonElement>("/conversations", Token);
        Assert.Single(page.GetProperty("items").EnumerateArray());
    }

    private static string? Content(JsonElement message) => message.GetProperty("content").GetString();

    private async Task<ReceivedEvent> SayAsync(string answer, object body, HttpClient? client = null)
    {
        fixture.Play(answer).GoOn();
        var events = await (client ?? Client).SendAsync(body);
        Assert.True(events[^1].Type == "done", events[^1].ToString());
        return events[0];
    }

    private async Task<List<JsonElement>> SearchAsync(string words) =>
        [.. (await Client.GetFromJsonAsync<JsonElement>($"/conversations?search={Uri.EscapeDataString(words)}", Token)).GetProperty("items").EnumerateArray()];

    private IEnumerable<string> Sent() => fixture.Gateway.Chats.Last().Body.GetProperty("messages").EnumerateArray()
        .Select(message => $"{message.GetProperty("role").GetString()}:{Text(message.GetProperty("content"))}");

    private static string? Text(JsonElement content) => content.ValueKind == JsonValueKind.String ? content.GetString() : content[0].GetProperty("text").GetString();
}
