using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmAspire.ServiceDefaults.Json;

/// <summary>
/// A moment as people and programs send it: RFC 3339, with its offset from UTC. Without an offset, or as a day alone, the zone of the server would decide
/// what it means.
/// </summary>
/// <seealso href="https://www.rfc-editor.org/rfc/rfc3339#section-5.6"/>
public static partial class PointInTime
{
    public const string WhatIsExpected = "send a time with its offset from UTC, such as 2026-12-01T00:00:00Z";

    /// <param name="text">2026-12-01T00:00:00Z, 2026-12-01T05:30+05:30, 2026-12-01T00:00:00.123456789Z. What is finer than 100 ns is rounded.</param>
    /// <param name="moment">UTC.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, out DateTimeOffset moment)
    {
        moment = default;
        if (text is null || !Form().IsMatch(text) || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var read))
        {
            return false;
        }

        moment = read.ToUniversalTime();
        return true;
    }

    [GeneratedRegex(@"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
