namespace LlmAspire.Api.Tests.Search;

public class ConversationSearchTests(SearchFixture fixture) : IClassFixture<SearchFixture>
{
    /// <summary>A text, what is looked for, and whether it is in the text.</summary>
    public static TheoryData<string, string, bool> Searches => new()
    {
        // Parts of words.
        { "The zebrafish swims", "zebra", true },
        { "The zebrafish swims", "rafi", true },
        { "The zebrafish swims", "fish", true },
        { "The zebrafish swims", "zebrafishes", false },
        { "The zebrafish swims", "e z", true },
        { "Donaudampfschifffahrt", "dampfschiff", true },
        // Without blanks between the words, and of one character.
        { "今日は日本語を勉強します", "日", true },
        { "今日は日本語を勉強します", "日本", true },
        { "今日は日本語を勉強します", "日本語", true },
        { "今日は日本語を勉強します", "中国", false },
        { "오늘은 한국어를", "국어", true },
        { "我爱北京　天安门", "天安", true },
        // Emoji: one character, several with joiners, with the colour of the skin, a flag.
        { "Well done 😀!", "😀", true },
        { "Well done 😀!", "😁", false },
        { "A family👨‍👩‍👧‍👦here", "👨‍👩‍👧‍👦", true },
        { "A family👨‍👩‍👧‍👦here", "👨‍👩‍👦", false },
        { "Thanks 👍🏽", "👍🏽", true },
        { "Thanks 👍🏽", "👍🏿", false },
        { "Thanks 👍🏽", "👍", true },
        { "Fahne 🇩🇪", "🇩🇪", true },
        // What means something in patterns.
        { "It is 100% sure", "100%", true },
        { "It is 100 sure", "100%", false },
        { "It is 100% sure", "%", true },
        { "Nothing of that", "%", false },
        { "call a_b now", "a_b", true },
        { "call axb now", "a_b", false },
        { "call axb now", "_", false },
        { @"see C:\dir there", @"C:\dir", true },
        { @"see C:\dir there", @"\", true },
        { "see C:dir there", @"C:\dir", false },
        { "Nothing of that", @"\", false },
        { "f(x) = [a-z]* + {1}? ^$|.#", "[a-z]* {1}? ^$|.#", true },
        { "Nothing of that", ".", false },
        { "Nothing of that", ".*", false },
        { "Nothing of that", "***:nothing", false },
        { "Nothing of that", "(?i)nothing", false },
        { "'; DROP TABLE x; --", "'; -- DROP", true },
        // Case.
        { "Äpfel, Öl und Übung", "äPFEL öl üBUNG", true },
        { "äpfel", "ÄPFEL", true },
        { "apfel", "äpfel", false },
        { "Москва и Киев", "москва КИЕВ", true },
        { "Ο ΣΟΦΟΣ και ο σοφός", "σοφος", true },
        { "groẞe Straße", "STRAßE große", true },
        { "𐐀 of Deseret", "𐐨", true },
        // Several words, in any order.
        { "The zebrafish swims", "swims zebra", true },
        { "The zebrafish swims", "swims lion", false },
        // Phrases, over lines too.
        { "The zebrafish swims", "\"zebrafish swims\"", true },
        { "The zebrafish swims", "\"swims zebrafish\"", false },
        { "The zebrafish\r\n  swims", "\"zebrafish swims\"", true },
        { "say \"hi\" to 5\"", "5\"", true },
        { "say hi", "\"", false },
        // Without.
        { "The zebrafish swims", "zebrafish -lion", true },
        { "The zebrafish swims", "zebrafish -swim", false },
        { "The zebrafish swims", "-lion", true },
        { "The zebrafish swims", "-\"zebrafish swims\" the", false },
        { "git --help", "--help", true },
        { "git help", "--help", false },
        { "5 - 3", "-", true },
        // One or the other.
        { "The zebrafish swims", "lion or zebrafish", true },
        { "The zebrafish swims", "lion OR zebrafish -swims", false },
        { "The zebrafish swims", "or", false },
    };

    [Theory]
    [MemberData(nameof(Searches))]
    public async Task a_message_is_found_by_what_is_in_it(string text, string search, bool isIn)
    {
        var conversation = await fixture.AddAsync("Untitled", "…", text);
        Assert.Equal(isIn, await fixture.FindAsync(conversation, search) is not null);
    }

    [Theory]
    [MemberData(nameof(Searches))]
    public async Task a_conversation_is_found_by_what_is_in_its_title(string text, string search, bool isIn)
    {
        var conversation = await fixture.AddAsync(text);
        var found = await fixture.FindAsync(conversation, search);
        Assert.Equal(isIn, found is not null);
        Assert.Null(found?.GetProperty("snippet").GetString());
    }

    [Fact]
    public async Task what_somebody_pasted_finds_where_it_is_from()
    {
        const string Pasted = "This is a \"long\" text of many words - more than anybody types - or so they say, a hundred or two, -perhaps, of one single message.";
        var conversation = await fixture.AddAsync("Pasted", $"Before. {Pasted.Replace("they", "\nthey", StringComparison.Ordinal)} After.");
        var other = await fixture.AddAsync("Other", string.Join(' ', Pasted.Split(' ').Reverse()));
        Assert.NotNull(await fixture.FindAsync(conversation, Pasted));
        Assert.Null(await fixture.FindAsync(other, Pasted));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(400)]
    [InlineData(600_000)]
    public async Task a_snippet_shows_where_it_was_found_and_cuts_no_emoji(int before)
    {
        var family = "👨‍👩‍👧‍👦";
        var around = string.Concat(Enumerable.Repeat(family, before / 2));
        var conversation = await fixture.AddAsync("Snippet", $"{around}Needle👍🏽{before}{around}");
        var snippet = (await fixture.FindAsync(conversation, $"eedle👍🏽{before}"))!.Value.GetProperty("snippet").GetString()!;
        Assert.Contains($"Needle👍🏽{before}", snippet, StringComparison.Ordinal);
        Assert.True(snippet.Length < 4_000, $"It has {snippet.Length} characters.");
        Assert.Empty(snippet.Replace($"Needle👍🏽{before}", "", StringComparison.Ordinal).Replace(family, "", StringComparison.Ordinal).Replace("…", "", StringComparison.Ordinal));
        Assert.Equal(before > 0, snippet.StartsWith('…'));
        Assert.Equal(before > 0, snippet.EndsWith('…'));
    }

    [Fact]
    public async Task pages_of_what_is_found_in_many_conversations_lose_and_repeat_nothing()
    {
        List<Guid> wanted = [];
        for (var i = 0; i < 250; i++)
        {
            var id = await fixture.AddAsync("Of many", i % 5 == 0 ? $"haystack {i}" : "hay");
            wanted.AddRange(i % 5 == 0 ? [id] : []);
        }

        List<Guid> found = [];
        string? cursor = null;
        do
        {
            var page = await fixture.SearchAsync("haystack", $"&limit=20&cursor={cursor}");
            found.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetGuid()));
            cursor = page.GetProperty("next").GetString();
        }
        while (cursor is not null);
        Assert.Equal(Enumerable.Reverse(wanted), found);
    }
}
