namespace LlmAspire.Api.Llm.Estimation;

/// <summary>
/// The tokens of a text that comes in parts. Of all of them together a sample is encoded, evenly spread, and stands for the rest. For one thread at a time.
/// </summary>
/// <param name="share">One in so many UTF-16 code units is encoded.</param>
internal sealed class TokenCount(BoundedTokenizer tokenizer, long share)
{
    private long _length;
    private long _encoded;
    private long _tokens;

    /// <summary>The tokens of all that was added: exact when it is short, else from the sample.</summary>
    public long Total => _encoded == _length ? _tokens : (long)Math.Round(_tokens * ((double)_length / _encoded));

    public void Add(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            var piece = text[..PieceEnd(text)];
            text = text[piece.Length..];
            // By length, not by number: whoever asks shortly and is answered at length must not be counted by the answers alone.
            if (_encoded * share <= _length)
            {
                _tokens += tokenizer.Encode(piece);
                _encoded += piece.Length;
            }

            _length += piece.Length;
        }
    }

    /// <summary>Adds text that was not kept: it counts like what was.</summary>
    public void AddUnseen(long length) => _length += _encoded == 0 ? 0 : length;

    /// <summary>Before a space, which belongs to the token after it.</summary>
    private static int PieceEnd(ReadOnlySpan<char> text)
    {
        if (text.Length <= BoundedTokenizer.Piece)
        {
            return text.Length;
        }

        var space = text[..BoundedTokenizer.Piece].LastIndexOf(' ');
        return space > 0 ? space : BoundedTokenizer.Piece;
    }
}
