using Microsoft.ML.Tokenizers;

namespace LlmAspire.Api.Llm.Estimation;

/// <summary>
/// Counts tokens at a cost that is bounded, whatever the text: encoders take a time that is the square of a run without a break, so long runs are
/// cut; and of a long text a sample is counted. Thread-safe.
/// </summary>
internal sealed class BoundedTokenizer(Tokenizer tokenizer)
{
    /// <summary>UTF-16 code units that are encoded at most for one text: of a longer one every so many pieces, evenly.</summary>
    public const int Sample = 64 * 1024;

    /// <summary>UTF-16 code units without white space that are encoded at once. No word of a language is longer, and a cut costs a token at most.</summary>
    public const int LongestRun = 200;

    private const int Piece = 2_000;

    private long _encoded;

    /// <summary>UTF-16 code units that were encoded so far.</summary>
    public long Encoded => Interlocked.Read(ref _encoded);

    /// <param name="length">The length of the whole text, when <paramref name="text"/> is only its beginning.</param>
    public long Count(ReadOnlySpan<char> text, long? length = null)
    {
        long tokens = 0, encoded = 0;
        var whole = length ?? text.Length;
        var every = (text.Length + Sample - 1) / Sample;
        for (var index = 0; !text.IsEmpty; index++)
        {
            var piece = text[..PieceEnd(text)];
            text = text[piece.Length..];
            if (index % every == 0)
            {
                tokens += CountPiece(piece);
                encoded += piece.Length;
            }
        }

        Interlocked.Add(ref _encoded, encoded);
        return encoded == whole ? tokens : (long)Math.Round(tokens * ((double)whole / encoded));
    }

    /// <summary>Before a space, which belongs to the token after it.</summary>
    private static int PieceEnd(ReadOnlySpan<char> text)
    {
        if (text.Length <= Piece)
        {
            return text.Length;
        }

        var space = text[..Piece].LastIndexOf(' ');
        return space > 0 ? space : Piece;
    }

    private long CountPiece(ReadOnlySpan<char> piece)
    {
        long tokens = 0;
        var run = 0;
        for (var i = 0; i < piece.Length; i++)
        {
            run = char.IsWhiteSpace(piece[i]) ? 0 : run + 1;
            if (run == LongestRun)
            {
                tokens += tokenizer.CountTokens(piece[..(i + 1)]);
                piece = piece[(i + 1)..];
                (i, run) = (-1, 0);
            }
        }

        return piece.IsEmpty ? tokens : tokens + tokenizer.CountTokens(piece);
    }
}
