using System.Text;
using LlmAspire.Api.Llm.Wire;

namespace LlmAspire.Api.Tests.Llm.Wire;

/// <summary>Any answer, sent in any way that must not matter, says the same: to the ledger, to a reader of events, and to a reader of a plain completion.</summary>
public sealed class AnswerPropertyTests
{
    /// <summary>How many streams are drawn: <c>LLMASPIRE_TEST_STREAMS</c>; each run draws the same.</summary>
    private static readonly int Streams = int.TryParse(Environment.GetEnvironmentVariable("LLMASPIRE_TEST_STREAMS"), out var streams) ? streams : 4_000;

    [Theory]
    [InlineData(1)]
    [InlineData(20_261_201)]
    public void how_an_answer_is_sent_makes_no_difference(int seed)
    {
        for (var index = 0; index < Streams / 2; index++)
        {
            var drawn = unchecked((seed * 1_000_003) + index);
            foreach (var isStreamed in (bool[])[true, false])
            {
                try
                {
                    AssertRead(new RandomAnswer(drawn), isStreamed);
                }
                catch (Exception exception)
                {
                    Assert.Fail($"new RandomAnswer({drawn}), {(isStreamed ? "as events" : "as a completion")}: {exception}\n{Encoding.UTF8.GetString([.. new RandomAnswer(drawn).Pieces().SelectMany(piece => piece)])}");
                }
            }
        }
    }

    private static void AssertRead(RandomAnswer answer, bool isStreamed)
    {
        var reader = new AnswerReader(isStreamed, choices: 1, new ChunkCleaner("chatcmpl-1", 1, "chat-default"));
        var output = new List<byte>();
        var hasEnded = false;
        foreach (var piece in answer.Pieces().TakeWhile(_ => !hasEnded))
        {
            hasEnded = reader.Append(piece);
            output.AddRange(reader.Output.Span);
        }

        if (!hasEnded)
        {
            reader.End();
            output.AddRange(reader.Output.Span);
        }

        output.AddRange(isStreamed ? "data: [DONE]\n\n"u8 : []);

        Assert.Null(reader.Facts.Failure?.Code);
        Assert.True(reader.Facts.IsFinished);
        Assert.Equal("stop", reader.Facts.FinishReason);
        Assert.Equal(answer.Text, Assert.Single(reader.Facts.Parts).Text.ToString());
        Assert.Equal((answer.Text, null), OpenAiAnswer.Read([.. output], isStreamed));
        var usage = reader.Facts.Usage!;
        Assert.Equal(
            (answer.Prompt, answer.Completion, answer.Cached, answer.Written, answer.Reasoning),
            (usage.PromptTokens, usage.CompletionTokens, usage.CachedPromptTokens ?? 0, usage.CacheWriteTokens ?? 0, usage.ReasoningTokens ?? 0));
    }
}
