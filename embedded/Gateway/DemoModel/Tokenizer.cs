using System.Globalization;
using Microsoft.ML.Tokenizers;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>
/// Cuts text into the tokens of o200k_base, the encoding of OpenAI's models since GPT-4o; for all providers alike. No text is lost: the pieces joined are the text.
/// Safe to use from any thread. The vocabulary is loaded at first use, which takes half a second and 40 MB.
/// </summary>
internal static class Tokenizer
{
    /// <summary>
    /// Runs of one kind of character are encoded in parts of this many: merging takes quadratic time in the length of a run, minutes for a megabyte of one letter.
    /// Words, and runs of punctuation or blanks, are shorter in all but hostile text; there a cut costs at most a token. Digits go by threes anyhow.
    /// </summary>
    private const int MaxRun = 256;

    private static readonly Lazy<TiktokenTokenizer> Encoding = new(() => TiktokenTokenizer.CreateForEncoding("o200k_base"));

    /// <summary>Loads the vocabulary, unless it is.</summary>
    public static void Load() => _ = Encoding.Value;

    public static int Count(string text)
    {
        var count = 0;
        foreach (var part in Parts(text))
        {
            count += Encoding.Value.CountTokens(text.AsSpan(part));
        }

        return count;
    }

    /// <summary>The pieces of <paramref name="text"/>: one token each, but for characters that take several, which stay whole.</summary>
    public static IReadOnlyList<TokenPiece> Split(string text)
    {
        var pieces = new List<TokenPiece>();
        foreach (var part in Parts(text))
        {
            var (offset, _) = part.GetOffsetAndLength(text.Length);
            var (start, end, tokens) = (0, 0, 0);
            foreach (var token in Encoding.Value.EncodeToTokens(text.AsSpan(part), out _))
            {
                // The tokens of one character, "🫠" say, all have the place of that character: [🫠] 0..2, [🫠] 0..2, [🫠] 0..2.
                if (token.Offset.Start.Value >= end && tokens > 0)
                {
                    pieces.Add(new TokenPiece(text[(offset + start)..(offset + end)], tokens));
                    (start, tokens) = (end, 0);
                }

                (end, tokens) = (Math.Max(end, token.Offset.End.Value), tokens + 1);
            }

            if (tokens > 0)
            {
                pieces.Add(new TokenPiece(text[(offset + start)..(offset + end)], tokens));
            }
        }

        return pieces;
    }

    private static List<Range> Parts(string text)
    {
        var parts = new List<Range>();
        var (partStart, runStart, runKind) = (0, 0, Kind.Digit);
        for (var i = 0; i < text.Length; i++)
        {
            var kind = KindOf(text[i]);
            if (kind != Kind.Mark && kind != runKind)
            {
                (runStart, runKind) = (i, kind);
            }
            else if (runKind != Kind.Digit && i - runStart >= MaxRun && !char.IsLowSurrogate(text[i]))
            {
                parts.Add(partStart..i);
                (partStart, runStart) = (i, i);
            }
        }

        if (partStart < text.Length)
        {
            parts.Add(partStart..);
        }

        return parts;
    }

    private static Kind KindOf(char character) => char.GetUnicodeCategory(character) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter
            or UnicodeCategory.OtherLetter => Kind.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Digit,

        // Accents belong to what they follow, be it a letter or not.
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => Kind.Mark,
        _ => char.IsWhiteSpace(character) ? Kind.Blank : Kind.Other,
    };

    private enum Kind
    {
        Letter,
        Digit,
        Mark,
        Blank,
        Other,
    }
}

/// <param name="Text">Whole characters.</param>
internal readonly record struct TokenPiece(string Text, int Tokens);
