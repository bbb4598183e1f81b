using LlmAspire.DemoGateway.DemoModel;
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

    [Theory]
    [InlineData("x")]
    [InlineData("!")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("😀")]
    [InlineData("漢")]
    [InlineData("a\u0301")]
    [InlineData("7")]
    [InlineData("xY")]
    public void a_megabyte_without_an_end_is_counted_in_pieces_that_lose_nothing(string unit)
    {
        var text = string.Concat(Enumerable.Repeat(unit, 1_000_000 / unit.Length));
        var count = Tokenizer.Count(text);
        TestContext.Current.TestOutputHelper?.WriteLine($"{count} tokens");

        Assert.InRange(count, text.Length / 140, text.Length * 4);
        Assert.Equal(text, string.Concat(Tokenizer.Split(text[..5_000]).Select(piece => piece.Text)) + text[5_000..]);
    }

    [Fact]
    public void a_run_that_is_cut_costs_at_most_a_token_more_a_cut()
    {
        var run = string.Concat(Enumerable.Range(0, 2_000).Select(i => (char)('a' + (i * i % 26))));

        Assert.InRange(Tokenizer.Count(run), Reference.CountTokens(run), Reference.CountTokens(run) + (run.Length / 256));
    }
}
