using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.Api.Tests.Runs;

namespace LlmAspire.Api.Tests.Prompts;

public class ConversationPromptTests(ReplicasFixture fixture) : IClassFixture<ReplicasFixture>
{
    private HttpClient Client => fixture.FirstClient;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_conversation_keeps_the_prompt_that_it_began_with_whatever_becomes_of_it()
    {
        var id = await SaveAsync(Client, "Baker", "You bake.");
        var conversation = (await SayAsync(new { message = "First", promptId = id })).Id("conversationId");
        Assert.Equal(["system:You bake.", "user:First"], Sent());

        using var changed = await Client.PutAsJsonAsync($"/prompts/{id}", new { version = 1, name = "Butcher", text = "You cut." }, Token);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        await SayAsync(new { message = "Second", conversationId = conversation });
        Assert.Equal(["system:You bake.", "user:First", "assistant:Well", "user:Second"], Sent());
        using var deleted = await Client.DeleteAsync($"/prompts/{id}", Token);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        // From its beginning too, and on another replica.
        fixture.Play("Well").GoOn();
        await fixture.SecondClient.SendAsync(new { message = "First, edited", conversationId = conversation, parentMessageId = conversation });
        Assert.Equal(["system:You bake.", "user:First, edited"], Sent());

        Assert.Equal($"{id} 1 Baker You bake.", Describe((await Client.ConversationAsync(conversation)).GetProperty("prompt")));
        var markdown = await Client.GetStringAsync($"/conversations/{conversation}/export?format=markdown", Token);
        Assert.Contains(" UTC\n\n## System prompt\n\n*Baker, version 1*\n\nYou bake.\n\n## You\n\nFirst, edited\n", markdown, StringComparison.Ordinal);
        var json = await Client.GetFromJsonAsync<JsonElement>($"/conversations/{conversation}/export?format=json", Token);
        Assert.Equal($"{id} 1 Baker You bake.", Describe(json.GetProperty("prompt")));
    }

    [Fact]
    public async Task the_prompt_of_a_conversation_can_be_set_renewed_and_removed()
    {
        var id = await SaveAsync(Client, "Baker", "You bake.");
        var conversation = (await SayAsync(new { message = "First" })).Id("conversationId");
        Assert.Equal(["user:First"], Sent());
        Assert.Equal(JsonValueKind.Null, (await Client.ConversationAsync(conversation)).GetProperty("prompt").ValueKind);

        using var set = await Client.PutAsJsonAsync($"/conversations/{conversation}/prompt", new { promptId = id }, Token);
        Assert.Equal($"{id} 1 Baker You bake.", Describe(await set.ReadAsync()));
        await SayAsync(new { message = "Second", conversationId = conversation });
        Assert.Equal(["system:You bake.", "user:First", "assistant:Well", "user:Second"], Sent());

        using var changed = await Client.PutAsJsonAsync($"/prompts/{id}", new { version = 1, text = "You bake bread." }, Token);
        using var renewed = await Client.PutAsJsonAsync($"/conversations/{conversation}/prompt", new { promptId = id }, Token);
        Assert.Equal($"{id} 2 Baker You bake bread.", Describe(await renewed.ReadAsync()));

        using var removed = await Client.DeleteAsync($"/conversations/{conversation}/prompt", Token);
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        await SayAsync(new { message = "Third", conversationId = conversation });
        Assert.DoesNotContain(Sent(), said => said.StartsWith("system:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task an_answer_that_was_stopped_is_gone_on_with_under_the_same_prompt()
    {
        var id = await SaveAsync(Client, "Baker", "You bake.");
        fixture.Play("One", "two");
        using var response = await Client.ChatAsync(new { message = "Hi", promptId = id });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(Token);
        var run = (await events.ReadUntilAsync(read => read[^1].Type == "delta"))[0].Id("runId");
        await fixture.IsStoredAsync(run, "One");
        using (await Client.DeleteAsync($"/chat/runs/{run}", Token))
        {
            await events.ReadUntilAsync(read => read[^1].Type == "done");
        }

        fixture.Play("three").GoOn();
        using var continued = await Client.ContinueAsync(run);
        Assert.Equal("done", (await continued.ReadAllEventsAsync())[^1].Type);
        Assert.Equal(["system:You bake.", "user:Hi", "assistant:One"], Sent().Take(3));
    }

    [Fact]
    public async Task an_estimate_counts_the_prompt()
    {
        var id = await SaveAsync(Client, "Long", string.Join(' ', Enumerable.Repeat("bread", 500)));
        using var without = await Client.PostAsJsonAsync("/chat/estimate", new { message = "Hi" }, Token);
        using var with = await Client.PostAsJsonAsync("/chat/estimate", new { message = "Hi", promptId = id }, Token);

        var (less, more) = ((await without.ReadAsync()).GetProperty("promptTokens").GetInt64(), (await with.ReadAsync()).GetProperty("promptTokens").GetInt64());
        Assert.InRange(more - less, 500, 510);
        Assert.Equal(0L, await fixture.QueryAsync<long>($"SELECT count(*) FROM tenant.conversation WHERE prompt_id = '{id}'"));
    }

    [Fact]
    public async Task a_prompt_of_others_can_be_used_when_it_is_shared_and_does_not_exist_otherwise()
    {
        var (hidden, shared) = (await SaveAsync(Client, "Hidden", "You hide."), await SaveAsync(Client, "Shared", "You share.", "organisation"));
        var colleague = await fixture.First.CreateSignedInClientAsync("basic");
        var stranger = await fixture.First.CreateSignedInClientAsync("rival");
        foreach (var (client, prompt) in new[] { (colleague, hidden), (stranger, hidden), (stranger, shared) })
        {
            using var refused = await client.ChatAsync(new { message = "Hi", promptId = prompt });
            await refused.IsProblemAsync(HttpStatusCode.NotFound, "prompt_unknown");
            using var estimate = await client.PostAsJsonAsync("/chat/estimate", new { message = "Hi", promptId = prompt }, Token);
            await estimate.IsProblemAsync(HttpStatusCode.NotFound, "prompt_unknown");
        }

        var conversation = (await SayAsync(new { message = "Hi", promptId = shared }, colleague)).Id("conversationId");
        Assert.Equal(["system:You share.", "user:Hi"], Sent());
        using var setHidden = await colleague.PutAsJsonAsync($"/conversations/{conversation}/prompt", new { promptId = hidden }, Token);
        await setHidden.IsProblemAsync(HttpStatusCode.NotFound, "prompt_unknown");
        // It is the colleague's conversation now: the owner of the prompt has none of it.
        using var theirs = await Client.GetAsync($"/conversations/{conversation}", Token);
        await theirs.IsProblemAsync(HttpStatusCode.NotFound, "conversation_unknown");
    }

    [Fact]
    public async Task a_prompt_is_chosen_for_a_new_conversation_only_and_by_its_id()
    {
        var id = await SaveAsync(Client, "Baker", "You bake.");
        var conversation = (await SayAsync(new { message = "First" })).Id("conversationId");

        using var existing = await Client.ChatAsync(new { message = "Hi", conversationId = conversation, promptId = id });
        Assert.Contains($"PUT /conversations/{{id}}/prompt", await existing.IsProblemAsync(HttpStatusCode.BadRequest, "prompt_for_new_only"), StringComparison.Ordinal);
        using var missing = await Client.PutAsJsonAsync($"/conversations/{conversation}/prompt", new { }, Token);
        await missing.IsProblemAsync(HttpStatusCode.BadRequest, "prompt_missing");
        using var word = await Client.ChatAsync(new { message = "Hi", promptId = "baker" });
        await word.IsProblemAsync(HttpStatusCode.BadRequest, "json_unexpected");
    }

    private static async Task<Guid> SaveAsync(HttpClient client, string name, string text, string visibility = "private")
    {
        using var made = await client.PostAsJsonAsync("/prompts", new { name, text, visibility }, Token);
        return (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
    }

    private async Task<ReceivedEvent> SayAsync(object body, HttpClient? client = null)
    {
        fixture.Play("Well").GoOn();
        var events = await (client ?? Client).SendAsync(body);
        Assert.True(events[^1].Type == "done", events[^1].ToString());
        return events[0];
    }

    private IEnumerable<string> Sent() => fixture.Gateway.Chats.Last().Body.GetProperty("messages").EnumerateArray()
        .Select(message => $"{message.GetProperty("role").GetString()}:{Text(message.GetProperty("content"))}");

    private static string? Text(JsonElement content) => content.ValueKind == JsonValueKind.String ? content.GetString() : content[0].GetProperty("text").GetString();

    private static string Describe(JsonElement prompt) =>
        $"{prompt.GetProperty("id")} {prompt.GetProperty("version")} {prompt.GetProperty("name")} {prompt.GetProperty("text")}";
}
