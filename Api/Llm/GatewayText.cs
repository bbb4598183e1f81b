using System.Text.Json;

namespace LlmAspire.Api.Llm;

/// <summary>What the gateway says of an error, for the log. Providers quote what they refuse: prompts are in no log.</summary>
internal static class GatewayText
{
    private const int MostCharacters = 2000;

    /// <summary>Shorter ones are words that an error may have of itself.</summary>
    private const int ShortestQuotation = 8;

    private const char Hidden = '…';

    /// <summary>The beginning of the text, with a <c>…</c> for each piece that stands in a message of the request too. Takes time by the length of both.</summary>
    /// <param name="request">The JSON that was sent.</param>
    public static string WithoutPrompt(string text, ReadOnlySpan<byte> request)
    {
        var shown = text[..Math.Min(text.Length, MostCharacters)];
        var quoted = new bool[shown.Length];
        var pieces = Pieces(shown);
        var reader = new Utf8JsonReader(request);
        bool isMessage = false, isSaid = false;
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    isMessage = reader.CurrentDepth == 1 ? reader.ValueTextEquals("messages") : isMessage;
                    isSaid = isMessage && !reader.ValueTextEquals("role") && !reader.ValueTextEquals("type");
                    break;
                case JsonTokenType.String when isSaid:
                    Mark(reader.GetString()!, pieces, quoted);
                    break;
            }
        }

        return string.Concat(shown.Select((character, index) => !quoted[index] ? character.ToString() : index > 0 && quoted[index - 1] ? "" : Hidden.ToString()));
    }

    /// <summary>Every piece of the shortest length, with the places where it stands.</summary>
    private static Dictionary<string, List<int>>.AlternateLookup<ReadOnlySpan<char>> Pieces(string shown)
    {
        var pieces = new Dictionary<string, List<int>>();
        for (var start = 0; start + ShortestQuotation <= shown.Length; start++)
        {
            var piece = shown.Substring(start, ShortestQuotation);
            pieces.TryAdd(piece, []);
            pieces[piece].Add(start);
        }

        return pieces.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    private static void Mark(string sent, Dictionary<string, List<int>>.AlternateLookup<ReadOnlySpan<char>> pieces, bool[] quoted)
    {
        for (var start = 0; start + ShortestQuotation <= sent.Length; start++)
        {
            // Each piece is marked once, however often it was sent.
            if (pieces.Remove(sent.AsSpan(start, ShortestQuotation), out _, out var places))
            {
                foreach (var place in places)
                {
                    quoted.AsSpan(place, ShortestQuotation).Fill(true);
                }
            }
        }
    }
}
