using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace LlmAspire.Usage;

/// <summary>
/// What a report is pinned to: the prices up to a revision, and the rows as they stood at a time. The same pin gives the same figures for ever, as long as
/// the rows are kept. As text <c>12@2026-11-23T19:13:45.123456Z</c>.
/// </summary>
/// <param name="PriceRevision">0 is before the first.</param>
/// <param name="RecordedAt">UTC, to the microsecond.</param>
public sealed record AsOf(long PriceRevision, DateTimeOffset RecordedAt) : IParsable<AsOf>
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    public static AsOf Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var result) ? result : throw new FormatException($"'{s}' is no pin of the form 12@2026-11-23T19:13:45.123456Z.");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out AsOf result)
    {
        result = null;
        if (s?.Split('@') is [var revision, var time]
            && long.TryParse(revision, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && DateTimeOffset.TryParseExact(
                time, ["yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var recordedAt))
        {
            result = new AsOf(number, recordedAt);
        }

        return result is not null;
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{PriceRevision}@{RecordedAt.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}");
}
