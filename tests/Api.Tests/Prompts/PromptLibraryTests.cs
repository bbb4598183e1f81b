using System.Net;
using System.Text.Json;
using LlmAspire.Api.Tests.Identity;

namespace LlmAspire.Api.Tests.Prompts;

public class PromptLibraryTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    [Fact]
    public async Task each_change_is_a_version_with_its_author_and_an_old_one_can_be_brought_back()
    {
        var (owner, admin, _, _) = await PeopleAsync();
        var id = await SaveAsync(owner, "Baker", "You bake.", "organisation");
        using var changed = await admin.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { version = 1, name = " Baker, brief ", text = "You bake. Be brief." });
        var second = await changed.ReadAsync();
        Assert.Equal((2, "Baker, brief", true, false), (
            second.GetProperty("version").GetInt32(), second.GetProperty("name").GetString(), second.GetProperty("editable").GetBoolean(), second.GetProperty("mine").GetBoolean()));
        using var restored = await owner.SendAsync(HttpMethod.Post, $"/prompts/{id}/restore", new { version = 2, number = 1 });
        var third = await restored.ReadAsync();
        Assert.Equal((3, "Baker", "You bake.", "organisation"), (
            third.GetProperty("version").GetInt32(), third.GetProperty("name").GetString(), third.GetProperty("text").GetString(), third.GetProperty("visibility").GetString()));

        var versions = await VersionsAsync(owner, id);
        Assert.Equal(["3 Baker 1", "2 Baker, brief ", "1 Baker "], versions.Select(one => $"{one.GetProperty("number")} {one.GetProperty("name")} {one.GetProperty("restoredFrom")}"));
        Assert.Equal([owner.Email, admin.Email, owner.Email], versions.Select(one => one.GetProperty("author").GetProperty("email").GetString()));
        using var read = await owner.GetAsync($"/prompts/{id}");
        Assert.Equal(third.GetRawText(), (await read.ReadAsync()).GetRawText());
    }

    [Fact]
    public async Task of_two_changes_of_the_same_version_one_is_told_of_the_other()
    {
        var owner = await fixture.RegisterAsync();
        var id = await SaveAsync(owner, "Baker", "You bake.");
        using var first = await owner.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { version = 1, text = "First" });
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);

        using var late = await owner.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { version = 1, text = "Second" });
        using var lateRestore = await owner.SendAsync(HttpMethod.Post, $"/prompts/{id}/restore", new { version = 1, number = 1 });

        Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
        var problem = await late.ReadProblemAsync();
        Assert.Equal(("prompt_changed", 2), (problem.GetProperty("code").GetString(), problem.GetProperty("currentVersion").GetInt32()));
        await lateRestore.IsProblemAsync(HttpStatusCode.Conflict, "prompt_changed");
        Assert.Equal(["2 First", "1 You bake."], (await VersionsAsync(owner, id)).Select(one => $"{one.GetProperty("number")} {one.GetProperty("text")}"));
    }

    [Fact]
    public async Task of_many_changes_at_once_one_is_saved()
    {
        var owner = await fixture.RegisterAsync();
        var id = await SaveAsync(owner, "Baker", "You bake.");

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(number =>
            owner.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { version = 1, text = $"Number {number}" })));

        Assert.Equal(1, answers.Count(answer => answer.StatusCode == HttpStatusCode.OK));
        foreach (var answer in answers.Where(answer => answer.StatusCode != HttpStatusCode.OK))
        {
            await answer.IsProblemAsync(HttpStatusCode.Conflict, "prompt_changed");
        }

        Assert.Equal(2, (await VersionsAsync(owner, id)).Count);
    }

    [Fact]
    public async Task a_private_prompt_is_its_owners_and_a_shared_one_is_read_by_members_and_changed_by_admins()
    {
        var (owner, admin, member, stranger) = await PeopleAsync();
        var id = await SaveAsync(owner, "Baker", "You bake.");
        foreach (var person in new[] { admin, member, stranger })
        {
            using var hidden = await person.GetAsync($"/prompts/{id}");
            await hidden.IsProblemAsync(HttpStatusCode.NotFound, "prompt_unknown");
        }

        using var shared = await owner.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { version = 1, visibility = "organisation" });
        Assert.Equal(HttpStatusCode.OK, shared.StatusCode);
        using var seen = await member.GetAsync($"/prompts/{id}");
        var prompt = await seen.ReadAsync();
        Assert.Equal((false, owner.Email), (prompt.GetProperty("editable").GetBoolean(), prompt.GetProperty("owner").GetProperty("email").GetString()));
        HttpResponseMessage[] refused =
        [
            await member.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { version = 2, text = "Mine now" }),
            await member.SendAsync(HttpMethod.Post, $"/prompts/{id}/restore", new { version = 2, number = 1 }),
            await member.SendAsync(HttpMethod.Delete, $"/prompts/{id}"),
        ];
        foreach (var answer in refused)
        {
            await answer.IsProblemAsync(HttpStatusCode.Forbidden, "prompt_read_only");
        }

        HttpResponseMessage[] unknown =
        [
            await stranger.GetAsync($"/prompts/{id}"),
            await stranger.GetAsync($"/prompts/{id}/versions"),
            await stranger.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { version = 2, text = "Mine now" }),
            await stranger.SendAsync(HttpMethod.Delete, $"/prompts/{id}"),
        ];
        foreach (var answer in unknown)
        {
            await answer.IsProblemAsync(HttpStatusCode.NotFound, "prompt_unknown");
        }

        Assert.Empty(await ListAsync(stranger, ""));
        using var deleted = await admin.SendAsync(HttpMethod.Delete, $"/prompts/{id}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Equal(0L, await fixture.QueryAsync<long>($"SELECT count(*) FROM tenant.prompt_version WHERE prompt_id = '{id}'"));
    }

    [Fact]
    public async Task what_was_private_when_it_was_saved_stays_private_when_the_prompt_is_shared()
    {
        var (owner, admin, member, _) = await PeopleAsync();
        var id = await SaveAsync(owner, "Baker", "Draft with a private note.");
        using var shared = await owner.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { version = 1, text = "You bake.", visibility = "organisation" });
        Assert.Equal(HttpStatusCode.OK, shared.StatusCode);

        Assert.Equal([2], (await VersionsAsync(member, id)).Select(one => one.GetProperty("number").GetInt32()));
        using var restored = await admin.SendAsync(HttpMethod.Post, $"/prompts/{id}/restore", new { version = 2, number = 1 });
        await restored.IsProblemAsync(HttpStatusCode.NotFound, "prompt_version_unknown");
        Assert.Equal([2, 1], (await VersionsAsync(owner, id)).Select(one => one.GetProperty("number").GetInt32()));
    }

    [Fact]
    public async Task the_list_has_scopes_search_and_pages_that_lose_and_repeat_nothing()
    {
        var (owner, _, member, _) = await PeopleAsync();
        List<Guid> made = [];
        for (var i = 0; i < 7; i++)
        {
            made.Add(await SaveAsync(owner, $"Number {i}", i == 3 ? "You know zebrafish." : "You bake.", i % 2 == 0 ? "organisation" : "private"));
        }

        List<Guid> listed = [];
        string? cursor = null;
        do
        {
            using var answer = await owner.GetAsync($"/prompts?scope=mine&limit=2&cursor={cursor}");
            var page = await answer.ReadAsync();
            listed.AddRange(page.GetProperty("items").EnumerateArray().Select(Id));
            cursor = page.GetProperty("next").GetString();
            await SaveAsync(owner, "In between", "You wait.");
        }
        while (cursor is not null);

        Assert.Equal(Enumerable.Reverse(made), listed);
        Assert.Equal([made[6], made[4], made[2], made[0]], (await ListAsync(member, "")).Select(Id));
        Assert.Empty(await ListAsync(member, "scope=mine"));
        Assert.Equal([made[6], made[4], made[2], made[0]], (await ListAsync(owner, "scope=organisation")).Select(Id));
        Assert.Equal(made[3], Id(Assert.Single(await ListAsync(owner, "search=zebrafish"))));
        Assert.Equal("You know zebrafish.", Assert.Single(await ListAsync(owner, "search=number%203")).GetProperty("beginning").GetString());
        Assert.Empty(await ListAsync(member, "search=zebrafish"));
    }

    [Theory]
    [InlineData("Zebrafish", "You swim.", "bRAf", true)]
    [InlineData("Fish", "You know zebrafish.", "fish swim", false)]
    [InlineData("Fish", "You swim.", "fish swim", true)]
    [InlineData("Fish", "You swim.", "fish -swim", false)]
    [InlineData("翻訳", "日本語を英語に", "語", true)]
    [InlineData("Smile", "End with 😀", "😀", true)]
    [InlineData("Sure", "Be 100% sure", "0%", true)]
    [InlineData("Sure", "Be sure", "%", false)]
    [InlineData("Sure", "Be sure", "_", false)]
    [InlineData("Sure", "Be sure", "\\", false)]
    [InlineData("Path", "See C:\\dir", "C:\\DIR", true)]
    [InlineData("Äpfel", "Über Obst", "äpf üBER", true)]
    public async Task search_finds_parts_of_words_and_each_character_means_itself(string name, string text, string search, bool isFound)
    {
        var (owner, _, _, _) = await PeopleAsync();
        await SaveAsync(owner, name, text, "private");
        Assert.Equal(isFound, (await ListAsync(owner, $"search={Uri.EscapeDataString(search)}")).Count == 1);
    }

    [Theory]
    [InlineData("limit=0", "list_invalid")]
    [InlineData("limit=201", "list_invalid")]
    [InlineData("scope=everybody", "list_invalid")]
    [InlineData("cursor=nonsense", "cursor_invalid")]
    public async Task a_bad_page_says_so(string query, string code)
    {
        using var response = await (await fixture.RegisterAsync()).GetAsync($"/prompts?{query}");
        await response.IsProblemAsync(HttpStatusCode.BadRequest, code);
    }

    [Theory]
    [InlineData("""{"text":"You bake."}""", "name_invalid")]
    [InlineData("""{"name":" ","text":"You bake."}""", "name_invalid")]
    [InlineData("""{"name":"Baker"}""", "text_empty")]
    [InlineData("""{"name":"Baker","text":"a\u0000b"}""", "text_invalid")]
    [InlineData("""{"name":"Baker","text":"You bake.","visibility":"everybody"}""", "json_unexpected")]
    public async Task a_bad_prompt_is_not_saved(string body, string code)
    {
        var owner = await fixture.RegisterAsync();
        using var response = await owner.SendAsync(HttpMethod.Post, "/prompts", JsonSerializer.Deserialize<JsonElement>(body));
        await response.IsProblemAsync(HttpStatusCode.BadRequest, code);
        Assert.Empty(await ListAsync(owner, ""));
    }

    [Fact]
    public async Task a_change_needs_its_version_and_good_content()
    {
        var owner = await fixture.RegisterAsync();
        var id = await SaveAsync(owner, "Baker", "You bake.");

        using var without = await owner.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { text = "No version" });
        await without.IsProblemAsync(HttpStatusCode.BadRequest, "version_missing");
        using var empty = await owner.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { version = 1, text = " " });
        await empty.IsProblemAsync(HttpStatusCode.BadRequest, "text_empty");
        using var tooLong = await owner.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { version = 1, text = new string('x', 50_001) });
        Assert.Contains("50,000", await tooLong.IsProblemAsync(HttpStatusCode.BadRequest, "text_too_long"), StringComparison.Ordinal);
        using var never = await owner.SendAsync(HttpMethod.Post, $"/prompts/{id}/restore", new { version = 1, number = 9 });
        await never.IsProblemAsync(HttpStatusCode.NotFound, "prompt_version_unknown");
        Assert.Single(await VersionsAsync(owner, id));
    }

    [Fact]
    public async Task there_is_room_for_so_many_prompts_and_so_many_versions_of_each()
    {
        await using var api = new ApiFactory(fixture.Gateway.BaseUrl)
        {
            Ledger = fixture.Database,
            Settings = { ["Prompts:MaxPrompts"] = "2", ["Prompts:MaxVersions"] = "3" },
        };
        var registered = await fixture.RegisterAsync();
        var owner = registered with { Client = await api.CreateReadyClientAsync() };
        var id = await SaveAsync(owner, "One", "1");
        await SaveAsync(owner, "Two", "2");
        using var third = await owner.SendAsync(HttpMethod.Post, "/prompts", new { name = "Three", text = "3" });
        await third.IsProblemAsync(HttpStatusCode.Conflict, "prompts_full");

        for (var version = 1; version < 6; version++)
        {
            using var changed = await owner.SendAsync(HttpMethod.Put, $"/prompts/{id}", new { version, text = $"{version}" });
            Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        }

        Assert.Equal([6, 5, 4], (await VersionsAsync(owner, id)).Select(one => one.GetProperty("number").GetInt32()));
    }

    private async Task<(Person Owner, Person Admin, Person Member, Person Stranger)> PeopleAsync()
    {
        var admin = await fixture.RegisterAsync();
        return (await fixture.RegisterAsync(await admin.InviteAsync()), admin, await fixture.RegisterAsync(await admin.InviteAsync()), await fixture.RegisterAsync());
    }

    private static async Task<Guid> SaveAsync(Person owner, string name, string text, string visibility = "private")
    {
        using var made = await owner.SendAsync(HttpMethod.Post, "/prompts", new { name, text, visibility });
        var prompt = await made.ReadAsync(HttpStatusCode.Created);
        Assert.Equal($"/prompts/{Id(prompt)}", made.Headers.Location?.ToString());
        return Id(prompt);
    }

    private static async Task<List<JsonElement>> ListAsync(Person person, string query)
    {
        using var answer = await person.GetAsync($"/prompts?{query}");
        return [.. (await answer.ReadAsync()).GetProperty("items").EnumerateArray()];
    }

    /// <summary>Page by page.</summary>
    private static async Task<List<JsonElement>> VersionsAsync(Person person, Guid id)
    {
        List<JsonElement> versions = [];
        string? cursor = null;
        do
        {
            using var answer = await person.GetAsync($"/prompts/{id}/versions?limit=2&cursor={cursor}");
            var page = await answer.ReadAsync();
            versions.AddRange(page.GetProperty("items").EnumerateArray());
            cursor = page.GetProperty("next").GetString();
        }
        while (cursor is not null);

        return versions;
    }

    private static Guid Id(JsonElement item) => item.GetProperty("id").GetGuid();
}
