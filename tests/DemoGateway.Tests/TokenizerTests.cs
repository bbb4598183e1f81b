using LlmAspire.DemoGateway.DemoModel;
using Microsoft.Extensions.Time.Testing;
using TiktokenTokenizer = Microsoft.ML.Tokenizers.TiktokenTokenizer;

namespace LlmAspire.DemoGateway.Tests;

public class TokenizerTests
{
    private static readonly TiktokenTokenizer Reference = TiktokenTokenizer.CreateForEncoding("o200k_base");

    [Theory]
    [InlineData("understanding", new[] { "under", "standing" })]
    [InlineData("in 12345 km", new[] { "in", " ", "123", "45", " km" })]
    [InlineData("Hello, world!\n\nNext", new[] { "Hello", ",", " world", "!\n\n", "Next" })]
    public void text_is_cut_as_the_encoding_cuts_it(string text, string[] tokens)
    {
        Assert.Equal(tokens.Select(token => new TokenPiece(token, 1)), Tokenizer.Split(text));
        Assert.Equal(tokens.Length, Tokenizer.Count(text));
    }

    [Fact]
    public void a_character_of_several_tokens_stays_whole() =>
        Assert.Equal([new("a", 1), new(" ", 1), new("𓀀", 4), new("!", 1)], Tokenizer.Split("a 𓀀!"));

    [Theory]
    [InlineData("Zwölf Boxkämpfer\tjagen\r\nVictor – 漢字 👩‍👩‍👧‍👦 é\u0301 \ud800 🫠🫠 end ")]
    [InlineData("    if (x == 0) { return \"<|endoftext|>\"; }   \n\n\n")]
    [InlineData("")]
    public void no_text_and_no_token_is_lost_in_the_pieces(string text)
    {
        var pieces = Tokenizer.Split(text);

        Assert.Equal(text, string.Concat(pieces.Select(piece => piece.Text)));
        Assert.Equal(Reference.CountTokens(text), pieces.Sum(piece => piece.Tokens));
        Assert.Equal(Reference.CountTokens(text), Tokenizer.Count(text));
    }

    [Fact]
    public void prose_is_counted_as_by_the_encoding_itself()
    {
        var prose = Prose.Write(20_000, new Random(1));

        Assert.Equal(Reference.CountTokens(prose), Tokenizer.Count(prose));
        Assert.All(Tokenizer.Split(prose), piece => Assert.Equal(1, piece.Tokens));
    }

    /// <summary>Merging takes quadratic time in the length of a run: without the cuts each of these would take minutes, by the megabyte.</summary>
    [Theory]
    [InlineData("x")]
    [InlineData("!")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("😀")]
    [InlineData("漢")]
    [InlineData("a\u0301")]
    public void a_run_without_an_end_is_counted_in_parts(string unit)
    {
        var run = string.Concat(Enumerable.Repeat(unit, 50_000));

        Assert.Equal(run.Chunk(256).Sum(part => Reference.CountTokens(part)), Tokenizer.Count(run));
        Assert.Equal(run, string.Concat(Tokenizer.Split(run).Select(piece => piece.Text)));
    }

    [Fact]
    public void a_cut_costs_at_most_a_token()
    {
        var run = string.Concat(Enumerable.Range(0, 2_000).Select(i => (char)('a' + (i * i % 26))));

        Assert.Equal(run.Chunk(256).Sum(part => Reference.CountTokens(part)), Tokenizer.Count(run));
        Assert.InRange(Tokenizer.Count(run), Reference.CountTokens(run) + 1, Reference.CountTokens(run) + (run.Length / 256));
    }

    [Fact]
    public void what_is_long_but_no_run_is_not_cut()
    {
        foreach (var unit in (string[])["7", "xY ", "a1", "word, ", "(x) => "])
        {
            var text = string.Concat(Enumerable.Repeat(unit, 2_000));

            Assert.Equal(Reference.CountTokens(text), Tokenizer.Count(text));
        }
    }

    [Fact]
    public async Task the_vocabulary_is_loaded_when_the_gateway_has_been_up_for_a_while()
    {
        var time = new FakeTimeProvider();
        using var warmUp = new TokenizerWarmUp(time);
        await warmUp.StartAsync(TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(warmUp.ExecuteTask!.IsCompleted);

        while (!warmUp.ExecuteTask.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.True(warmUp.ExecuteTask.IsCompletedSuccessfully);
    }
}
