using System.ComponentModel;
using System.Globalization;

namespace LlmAspire.Api.Tools.BuiltIn;

/// <summary>What time it is, anywhere.</summary>
[DisplayName("Current time")]
internal sealed class CurrentTimeTool(TimeProvider time)
{
    [Description("Tells the current date and time of day in a time zone.")]
    public CurrentTime Tell(
        [Description("IANA name of the time zone, such as Europe/Berlin, or the name of its city; UTC when it is not said.")] string zone = "UTC")
    {
        var found = Find(zone);
        var now = TimeZoneInfo.ConvertTime(time.GetUtcNow(), found);
        return new CurrentTime(
            now.ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture), now.ToString("dddd", CultureInfo.InvariantCulture), found.Id);
    }

    private static TimeZoneInfo Find(string zone)
    {
        if (TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found) && (found.HasIanaId || found == TimeZoneInfo.Utc))
        {
            return found;
        }

        // "New York" is America/New_York.
        var city = '/' + zone.Trim().Replace(' ', '_');
        return TimeZoneInfo.GetSystemTimeZones().FirstOrDefault(one => one.Id.EndsWith(city, StringComparison.OrdinalIgnoreCase) && one.HasIanaId)
            ?? throw new ToolFailedException("There is no such time zone. Give an IANA name, such as Europe/Berlin.");
    }
}

/// <param name="Local">With its offset from UTC.</param>
internal sealed record CurrentTime(string Local, string Weekday, string Zone);
