using Bunit;
using LlmAspire.Web.Accounts;

namespace LlmAspire.Web.Tests.Prompts;

public class ApiExamplesTests
{
    [Fact]
    public async Task the_examples_have_the_address_and_a_new_key()
    {
        await using var test = await PromptContext.OpenAsync<ApiKeysPage>("/api-keys", publicUrl: "https://llm.example.org:8443/");
        test.UntilThere(TestIds.ApiExamples);
        Assert.Equal("https://llm.example.org:8443/v1", test.Find(TestIds.ApiExamples).GetAttribute("data-base-url"));
        Assert.Empty(test.FindAll(TestIds.ApiAddressUnknown));
        Assert.Equal(["curl", "Python", "JavaScript", "C#"], test.Page.FindAll("[role=tab]").Select(tab => tab.TextContent.Trim()));
        test.Until(() => Assert.Contains("Authorization: Bearer YOUR_API_KEY", test.Page.Find("[data-language=curl] pre").TextContent, StringComparison.Ordinal));

        await test.Page.InvokeAsync(() => test.Find(TestIds.Name).ChangeAsync(new() { Value = "pipeline" }));
        await test.Page.InvokeAsync(() => test.Page.Find("form.fields").SubmitAsync());

        test.UntilThere(TestIds.Secret);
        var key = test.Find(TestIds.Secret).TextContent;
        test.Until(() => Assert.Contains($"Authorization: Bearer {key}\"", test.Page.Find("[data-language=curl] pre").TextContent, StringComparison.Ordinal));
    }

    /// <summary>Their text is what the tests of the Api run.</summary>
    [Fact]
    public async Task the_page_shows_each_example_character_by_character()
    {
        await using var test = await PromptContext.OpenAsync<ApiKeysPage>("/api-keys", publicUrl: "https://llm.example.org/");
        test.UntilThere(TestIds.ApiExamples);
        var model = test.Page.Find("[data-language=curl] pre").TextContent.Split("\"model\": \"")[1].Split('"')[0];

        foreach (var (example, index) in ApiExample.All("https://llm.example.org/v1", "YOUR_API_KEY", model).Select((example, index) => (example, index)))
        {
            await test.Page.InvokeAsync(() => test.Page.FindAll("[role=tab]")[index].ClickAsync(new()));
            test.Until(() => Assert.Equal(example.Code, test.Page.Find($"[data-language='{example.Name}'] pre").TextContent));
        }
    }

    [Fact]
    public async Task without_an_address_the_page_says_so()
    {
        await using var test = await PromptContext.OpenAsync<ApiKeysPage>("/api-keys");

        test.UntilThere(TestIds.ApiAddressUnknown);
        Assert.Contains("Api:PublicUrl", test.Find(TestIds.ApiAddressUnknown).TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void each_example_has_the_base_url_the_key_and_the_model() => Assert.All(
        ApiExample.All("https://llm.example.org/v1", "llma_key", "some-model"),
        example => Assert.All(["https://llm.example.org/v1", "llma_key", "some-model"], part => Assert.Contains(part, example.Code, StringComparison.Ordinal)));
}
