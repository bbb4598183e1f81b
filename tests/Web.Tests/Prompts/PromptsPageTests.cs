using Bunit;
using LlmAspire.Web.Prompts;

namespace LlmAspire.Web.Tests.Prompts;

public class PromptsPageTests
{
    private static readonly string Edit = $"{PromptsPage.Path}?show={PromptContext.Id}";

    [Fact]
    public async Task the_list_shows_ones_own_prompts_and_asks_for_the_organisations_and_for_words()
    {
        await using var test = await PromptContext.OpenAsync<PromptsPage>(PromptsPage.Path);
        test.UntilThere(TestIds.Prompts);
        Assert.Equal(PromptContext.Id.ToString(), test.Find(TestIds.Prompts, "li").GetAttribute("data-prompt-id"));
        Assert.Contains($"/?prompt={PromptContext.Id}", test.Find(TestIds.Prompts, "a[aria-label='Use in a new chat: Baker']").GetAttribute("href"), StringComparison.Ordinal);

        test.Navigation.NavigateTo(test.Find(TestIds.PromptsShared).GetAttribute("href")!);
        await test.Page.InvokeAsync(() => test.Find(TestIds.PromptSearch).InputAsync(new() { Value = "bread" }));

        test.Until(() => Assert.Contains("GET /prompts?scope=organisation&search=bread", string.Join('\n', test.Api.Asked), StringComparison.Ordinal));
    }

    [Fact]
    public async Task a_prompt_is_written_by_hand_and_saved_and_can_be_used()
    {
        await using var test = await PromptContext.OpenAsync<PromptsPage>($"{PromptsPage.Path}?show=new");
        test.UntilThere(TestIds.PromptText);
        Assert.True(test.Find(TestIds.SavePrompt).HasAttribute("disabled"));

        await test.TypeAsync(TestIds.PromptName, "Baker");
        await test.TypeAsync(TestIds.PromptText, "You bake.");
        await test.ClickAsync(TestIds.SavePrompt);

        test.Until(() => Assert.EndsWith($"show={PromptContext.Id}", test.Navigation.Uri, StringComparison.Ordinal));
        Assert.Equal(("Baker", "You bake.", "private"), (
            test.Sent.GetProperty("name").GetString(), test.Sent.GetProperty("text").GetString(), test.Sent.GetProperty("visibility").GetString()));
        test.Until(() => Assert.Equal($"/?prompt={PromptContext.Id}", test.Find(TestIds.UsePrompt).GetAttribute("href")));
    }

    [Fact]
    public async Task a_model_writes_the_text_which_streams_in_and_its_usage_is_shown()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var test = await PromptContext.OpenAsync<PromptsPage>($"{PromptsPage.Path}?show=new", arrange: context => context.Draft = async (stream, token) =>
        {
            await PromptContext.WriteAsync(stream, PromptContext.Event("delta", new { text = "You are " }), token);
            await goOn.Task.WaitAsync(token);
            await PromptContext.WriteAsync(
                stream,
                PromptContext.Event("delta", new { text = "a baker." })
                + PromptContext.Event("usage", new { callId = "0199aaaa-0000-7000-8000-000000000001", model = "prompt-helper", promptTokens = 321, completionTokens = 12, source = "provider" })
                + PromptContext.Event("done", new { finishReason = "stop" }),
                token);
        });
        test.UntilThere(TestIds.OpenGenerator);
        await test.ClickAsync(TestIds.OpenGenerator);
        await test.TypeAsync(TestIds.PromptWish, "A baker's helper");
        var writing = test.Page.InvokeAsync(() => test.Page.Find(".generator form").SubmitAsync());

        test.Until(() => Assert.Equal("You are ", test.Text));
        Assert.Equal("true", test.Find(TestIds.PromptText).GetAttribute("aria-busy"));
        Assert.True(test.Find(TestIds.PromptText).HasAttribute("readonly"));
        goOn.SetResult();
        await writing;

        test.Until(() => Assert.Equal("You are a baker.", test.Text));
        test.UntilThere(TestIds.PromptWritten);
        Assert.Equal("321", test.Find(TestIds.Usage).GetAttribute("data-prompt-tokens"));
        Assert.Equal("A baker's helper", test.Sent.GetProperty("description").GetString());
        Assert.False(test.Find(TestIds.PromptText).HasAttribute("readonly"));
    }

    [Fact]
    public async Task improving_can_be_stopped_and_put_back()
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var test = await PromptContext.OpenAsync<PromptsPage>(Edit, arrange: context => context.Draft = async (stream, token) =>
        {
            await using var left = token.Register(() => gone.TrySetResult());
            await PromptContext.WriteAsync(stream, PromptContext.Event("delta", new { text = "You bake be" }), token);
            await gone.Task;
        });
        test.UntilThere(TestIds.OpenGenerator);
        await test.ClickAsync(TestIds.OpenGenerator);
        await test.TypeAsync(TestIds.PromptWish, "Better");
        var writing = test.Page.InvokeAsync(() => test.Page.Find(".generator form").SubmitAsync());
        test.Until(() => Assert.Equal("You bake be", test.Text));

        await test.ClickAsync(TestIds.StopWriting);
        await writing;
        await gone.Task;

        Assert.Equal(("You bake.", "Better"), (test.Sent.GetProperty("existing").GetString(), test.Sent.GetProperty("instructions").GetString()));
        test.UntilThere(TestIds.PutBack);
        Assert.Equal("You bake be", test.Text);
        await test.ClickAsync(TestIds.PutBack);
        test.Until(() => Assert.Equal("You bake.", test.Text));
    }

    [Fact]
    public async Task a_failure_of_the_model_is_said_and_leaves_the_text()
    {
        await using var test = await PromptContext.OpenAsync<PromptsPage>(Edit, arrange: context => context.Draft = (stream, token) => PromptContext.WriteAsync(
            stream, PromptContext.Event("error", new { status = 429, code = "allowance_exceeded", title = "The tokens do not suffice.", detail = "Wait." }), token));
        test.UntilThere(TestIds.OpenGenerator);
        await test.ClickAsync(TestIds.OpenGenerator);
        await test.Page.InvokeAsync(() => test.Page.Find(".generator form").SubmitAsync());

        test.Until(() => Assert.Equal("The tokens do not suffice. Wait.", test.Page.Find(".generator .form-error").TextContent));
        Assert.Equal("You bake.", test.Text);
    }

    [Fact]
    public async Task an_old_version_is_restored_as_a_new_one()
    {
        await using var test = await PromptContext.OpenAsync<PromptsPage>(Edit, arrange: context => context.Versions.Add("You sell."));
        test.Until(() => Assert.Equal("You sell.", test.Text));
        Assert.Equal(["2", "1"], test.Find(TestIds.PromptVersions).QuerySelectorAll("li").Select(version => version.GetAttribute("data-version")));

        await test.ClickAsync(TestIds.PromptVersions, "Restore version 1");

        test.Until(() => Assert.Equal("Saved as version 3.", test.Find(TestIds.Done).TextContent));
        Assert.Equal("You bake.", test.Text);
        Assert.Equal((2, 1), (test.Sent.GetProperty("version").GetInt32(), test.Sent.GetProperty("number").GetInt32()));
    }

    [Fact]
    public async Task who_comes_second_sees_that_and_may_keep_either()
    {
        await using var test = await PromptContext.OpenAsync<PromptsPage>(Edit);
        test.Until(() => Assert.Equal("You bake.", test.Text));
        test.Versions.Add("Theirs");
        await test.TypeAsync(TestIds.PromptText, "Mine");
        await test.ClickAsync(TestIds.SavePrompt);
        test.UntilThere(TestIds.PromptConflict);
        Assert.Equal("Mine", test.Text);

        await test.ClickAsync(TestIds.PromptConflict, "Save mine as version 3");

        test.Until(() => Assert.Equal("Saved as version 3.", test.Find(TestIds.Done).TextContent));
        Assert.Equal(["You bake.", "Theirs", "Mine"], test.Versions);
    }

    [Fact]
    public async Task a_prompt_of_others_is_read_only_and_can_be_copied()
    {
        await using var test = await PromptContext.OpenAsync<PromptsPage>(Edit, arrange: context => (context.Editable, context.Visibility) = (false, "organisation"));
        test.UntilThere(TestIds.PromptText);

        Assert.True(test.Find(TestIds.PromptText).HasAttribute("readonly"));
        Assert.Empty(test.FindAll(TestIds.SavePrompt));
        Assert.Empty(test.FindAll(TestIds.OpenGenerator));
        Assert.Contains("ada@example.org", test.Find(TestIds.SidePanel).TextContent, StringComparison.Ordinal);
        await test.ClickAsync(TestIds.SidePanel, "Save a copy");
        test.Until(() => Assert.Equal(("Copy of Baker", "private"), (test.Sent.GetProperty("name").GetString(), test.Sent.GetProperty("visibility").GetString())));
    }
}
