using System.Text;
using System.Text.Json;
using LlmAspire.Api.Llm.Estimation;
using LlmAspire.Api.Llm.Wire;
using Microsoft.ML.Tokenizers;

namespace LlmAspire.Api.Tests.Llm.Estimation;

public class UsageEstimatorTests
{
    private const string Sentence = "Every token is accounted for, whatever crashes, is cancelled, retried or failed over; and each number says where it comes from. ";

    private static readonly UsageEstimator Estimator = new();

    /// <summary>The encoder as it is: it takes all of a text, however long.</summary>
    private static readonly TiktokenTokenizer Reference = TiktokenTokenizer.CreateForEncoding("o200k_base");

    [Fact]
    public void a_prompt_is_counted_as_openai_publishes_it()
    {
        var request = JsonSerializer.SerializeToUtf8Bytes(new
        {
            model = "chat-default",
            messages = new object[] { new { role = "system", content = "You are helpful." }, new { role = "user", name = "ada", content = "Hello, world" } },
        });

        // 3 for the start of the answer; 3 a message, 1 for its role; 4 and 3 for the texts; "ada" is 1 token, and a name costs one more.
        Assert.Equal(3 + 4 + 4 + 4 + 3 + 2, Estimator.CountPrompt("gpt-4o", request));
    }

    [Fact]
    public void parts_pictures_tools_and_calls_are_counted_too()
    {
        var bare = Prompt("""{"messages":[{"role":"user","content":"Hello, world"}]}""");

        Assert.Equal(bare, Prompt("""{"messages":[{"role":"user","content":[{"type":"text","text":"Hello, world"}]}]}"""));
        Assert.Equal(bare + 85, Prompt("""{"messages":[{"role":"user","content":[{"type":"text","text":"Hello, world"},{"type":"image_url","image_url":{"url":"data:,xxxxxxxx"}}]}]}"""));
        Assert.True(Prompt("""{"messages":[{"role":"user","content":"Hello, world"}],"tools":[{"type":"function","function":{"name":"now"}}]}""") > bare + 5);
        // A message, its role, and the name that is called; not the marks around it.
        Assert.Equal(bare + 3 + 1 + 1, Prompt("""{"messages":[{"role":"user","content":"Hello, world"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"now"}}]}]}"""));
        Assert.Equal(0, Prompt("no JSON"));

        static long Prompt(string request) => Estimator.CountPrompt("gpt-4o", Encoding.UTF8.GetBytes(request));
    }

    [Theory]
    [InlineData("gpt-4", true)]
    [InlineData("gpt-4-turbo", true)]
    [InlineData("azure/gpt-3.5-turbo", true)]
    [InlineData("azure/gpt-35-turbo", true)]
    [InlineData("gpt-4o-mini", false)]
    [InlineData("gpt-4.1", false)]
    [InlineData("gpt-6-luna", false)]
    [InlineData("o3", false)]
    [InlineData("claude-sonnet-5-5", false)]
    [InlineData(null, false)]
    public void the_encoding_is_that_of_the_models_family(string? model, bool isOld) =>
        Assert.Equal(isOld, ReferenceEquals(Estimator.TokenizerOf("gpt-4"), Estimator.TokenizerOf(model)));

    [Fact]
    public void cutting_and_sampling_prose_changes_less_than_three_percent()
    {
        var tokenizer = new UsageEstimator().TokenizerOf(null);
        foreach (var times in (int[])[10, 100, 1_000, 10_000])
        {
            var text = string.Concat(Enumerable.Repeat(Sentence, times));
            var exact = Reference.CountTokens(text);
            Assert.InRange(tokenizer.Count(text), exact * 0.97, exact * 1.03);
        }
    }

    [Theory]
    [InlineData('x')]
    [InlineData(' ')]
    [InlineData('語')]
    [InlineData('\n')]
    public void hostile_text_is_not_worked_on_beyond_a_bound(char letter)
    {
        var tokenizer = new UsageEstimator().TokenizerOf(null);

        var tokens = tokenizer.Count(new string(letter, 4_000_000));

        // The work is linear in what is encoded, as no run is longer than 200 characters; and no more than a sample is.
        Assert.InRange(tokenizer.Encoded, 1, 2 * BoundedTokenizer.Sample);
        Assert.InRange(tokens, 4_000, 8_000_000);
    }

    [Theory]
    [InlineData(1, 4_000_000)]
    [InlineData(2_000, 1_000)]
    [InlineData(200_000, 10)]
    public void of_a_prompt_no_more_is_worked_on_however_it_is_cut_into_messages(int messages, int length)
    {
        var estimator = new UsageEstimator();
        var content = string.Concat(Enumerable.Repeat(Sentence, (length / Sentence.Length) + 1))[..length];
        var request = JsonSerializer.SerializeToUtf8Bytes(new { messages = Enumerable.Repeat(new { content }, messages) });

        var prompt = estimator.CountPrompt(null, request);

        Assert.InRange(estimator.TokenizerOf(null).Encoded, 1, 2 * BoundedTokenizer.Sample);
        var exact = 3 + (long)messages * (3 + Reference.CountTokens(content));
        Assert.InRange(prompt, exact * 0.97, exact * 1.03);
    }

    [Fact]
    public void of_short_questions_with_long_answers_both_are_in_the_sample()
    {
        var estimator = new UsageEstimator();
        var question = string.Concat(Enumerable.Repeat("語", 200));
        var answer = string.Concat(Enumerable.Repeat(Sentence, 12));
        var request = JsonSerializer.SerializeToUtf8Bytes(new { messages = Enumerable.Range(0, 400).Select(i => new { content = i % 2 == 0 ? question : answer }) });

        var exact = 3 + 200L * (6 + Reference.CountTokens(question) + Reference.CountTokens(answer));
        Assert.InRange(estimator.CountPrompt(null, request), exact * 0.97, exact * 1.03);
    }

    [Fact]
    public void of_an_answer_beyond_memory_the_rest_is_extrapolated()
    {
        var answer = new AnswerText();
        for (var i = 0; i < 10_000; i++)
        {
            answer.Append(Sentence);
        }

        var exact = Reference.CountTokens(string.Concat(Enumerable.Repeat(Sentence, 10_000)));
        Assert.True(answer.ToString().Length <= AnswerText.Limit);
        Assert.InRange(Estimator.CountAnswer(null, answer), exact * 0.97, exact * 1.03);
    }
}
