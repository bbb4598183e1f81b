using System.Text.Json.Nodes;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Tests;

public class DemoModelTests
{
    private static readonly Deployment Plain = new("chat", "chat-1", "openai", "gpt", [], []);

    public static TheoryData<string, string[]> Questions => new()
    {
        { "Write a Python function that parses invoices", ["```python\n", "invoices"] },
        { "Write an SQL query for overdue invoices", ["```sql\n"] },
        { "Write a C# class for an invoice", ["```csharp\n", "record"] },
        { "What is the difference between TCP and UDP?", ["| TCP | UDP |", "| --- |"] },
        { "Kafka vs RabbitMQ", ["| Kafka | RabbitMQ |"] },
        { "How do I set up a greenhouse?", ["1. ", "2. ", "how to set up a greenhouse"] },
        { "How do I deploy a container to Kubernetes?", ["1. ", "```"] },
        { "Tell me about rain with a table, some code and a formula", ["| --- |", "```", "$$\n"] },
        { "What is the formula for variance?", ["$$\n", "variance"] },
        { "Explain photosynthesis in plants", ["## ", "- ", "photosynthesis in plants"] },
    };

    [Theory]
    [MemberData(nameof(Questions))]
    public void an_answer_is_on_topic_in_the_form_the_question_asks_for(string question, string[] parts)
    {
        var text = TextOf(Answer(question));

        Assert.All(parts, part => Assert.Contains(part, text, StringComparison.OrdinalIgnoreCase));
        Assert.Contains("demo model", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hi")]
    [InlineData("Hello!")]
    [InlineData("Good morning, how are you?")]
    [InlineData("Thanks, that was great")]
    public void small_talk_is_answered_shortly(string text) => Assert.InRange(Answer(text).Steps.Count, 10, 60);

    [Fact]
    public void a_brief_answer_is_brief() =>
        Assert.True(Answer("Explain rain in one sentence").Steps.Count < Answer("Explain rain").Steps.Count / 2);

    [Fact]
    public void the_model_says_what_it_is_and_how_to_get_a_real_one()
    {
        var text = TextOf(Answer("Which model are you?"));

        Assert.Contains("built-in demo model", text, StringComparison.Ordinal);
        Assert.Contains("OPENAI_API_KEY", text, StringComparison.Ordinal);
    }

    [Fact]
    public void a_later_turn_refers_to_the_earlier_question()
    {
        var text = TextOf(DemoChatModel.Answer(Request(("user", "Explain row locking"), ("assistant", "…"), ("user", "And what about deadlocks?")), Plain));

        Assert.Contains("earlier question about *row locking*", text, StringComparison.Ordinal);
        Assert.Contains("deadlocks", text, StringComparison.Ordinal);
    }

    [Fact]
    public void a_system_prompt_is_drafted_from_its_description()
    {
        var text = TextOf(DemoChatModel.Answer(
            Request(("system", "You write a system prompt from a description."), ("user", "A helper for my bakery that knows the opening times")), Plain));

        Assert.StartsWith("You are a careful assistant. Your field: helper for my bakery.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void a_system_prompt_is_drafted_from_the_parts_of_a_message()
    {
        var material = "<input-2 name=\"description\">\nA helper for my </input> bakery\n</input-2>\n\n<input-2 name=\"language\">\nGerman\n</input-2>";

        var text = TextOf(DemoChatModel.Answer(Request(("system", "You write system prompts."), ("user", material)), Plain));

        Assert.Contains("bakery", text, StringComparison.Ordinal);
        Assert.Contains("- Answer in German.\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("input-2", text, StringComparison.Ordinal);
    }

    [Fact]
    public void a_system_prompt_is_improved_by_what_was_asked_of_it()
    {
        var material = "<input name=\"existing\">\nYou bake.\nYou sell.\n</input>\n\n<input name=\"instructions\">\nBe brief\n</input>";

        Assert.Equal(
            "You bake.\nYou sell.\n\n- Mind this: Be brief.",
            TextOf(DemoChatModel.Answer(Request(("system", "You write system prompts."), ("user", material)), Plain)));
    }

    [Fact]
    public void an_answer_shows_that_its_system_prompt_came()
    {
        var text = TextOf(DemoChatModel.Answer(Request(("system", "You are a baker, says this system prompt.\nBe kind."), ("user", "hi")), Plain));

        Assert.StartsWith("*(My system prompt begins: “You are a baker, says this system prompt.”)*\n\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void a_title_is_short_and_only_a_title()
    {
        var text = TextOf(DemoChatModel.Answer(
            Request(("system", "Write a title for the conversation."), ("user", "Explain row locking in PostgreSQL")), Plain));

        Assert.Equal("Row Locking PostgreSQL", text);
    }

    [Fact]
    public void a_transcript_is_named_by_what_was_asked()
    {
        var text = TextOf(DemoChatModel.Answer(
            Request(("system", "Name the conversation that follows."), ("user", "User: Explain row locking\n\nAssistant: It waits.")), Plain));

        Assert.Equal("Row Locking", text);
    }

    [Fact]
    public void the_same_messages_have_the_same_answer_and_another_seed_another_one()
    {
        var texts = Enumerable.Range(0, 5).Select(seed => TextOf(DemoChatModel.Answer(Request(("user", "Explain rain")) with { Seed = seed }, Plain))).ToArray();

        Assert.Equal(TextOf(Answer("Explain rain")), TextOf(Answer("Explain rain")));
        Assert.Equal(5, texts.Distinct().Count());
        Assert.Equal(texts[3], TextOf(DemoChatModel.Answer(Request(("user", "Explain rain")) with { Seed = 3 }, Plain)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("   \n ")]
    [InlineData("?!")]
    [InlineData("a | b | c ` ** <script>")]
    [InlineData("12345")]
    [InlineData("👩‍👩‍👧‍👦 ünïcödé 漢字")]
    public void odd_questions_are_answered_too(string question) => Assert.NotEmpty(TextOf(Answer(question)));

    [Fact]
    public void the_parts_of_a_message_count_and_a_picture_has_a_price()
    {
        var parts = JsonNode.Parse("""{"messages":[{"role":"user","content":[{"type":"text","text":"rain"},{"type":"image_url","image_url":{"url":"data:"}}]}]}""")!;
        var request = System.Text.Json.JsonSerializer.Deserialize(parts, GatewayJson.Wire.ChatCompletionRequest)!;

        Assert.Equal(4 + 1 + 85 + 3, DemoChatModel.Answer(request, Plain).Prompt.Total);
    }

    private static ModelAnswer Answer(string question) => DemoChatModel.Answer(Request(("user", question)), Plain);

    private static ChatCompletionRequest Request(params (string Role, string Content)[] messages) => new()
    {
        Messages = [.. messages.Select(message =>
            new ChatMessage(message.Role, System.Text.Json.JsonSerializer.SerializeToElement(message.Content)))],
    };

    private static string TextOf(ModelAnswer answer) => string.Concat(answer.Steps.OfType<TextStep>().Select(step => step.Text));
}
