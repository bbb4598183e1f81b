using System.Globalization;
using LlmAspire.Api.Identity;
using LlmAspire.ServiceDefaults.Json;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Reports;

/// <summary>Makes of a request what the ledger is asked, or says all that is wrong with it. The one place that decides whose calls somebody sees.</summary>
internal sealed class ReportReader(Caller caller, TimeProvider time, HttpContext context)
{
    private const int UsualDays = 30;

    private static readonly TimeSpan Longest = TimeSpan.FromDays(5 * 366);

    private static readonly DateTimeOffset Earliest = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Dictionary<string, string[]> _errors = [];

    /// <summary>What the query means; null with a problem.</summary>
    /// <param name="longest">Of the time between from and to; null for what any report may have.</param>
    public (ReportQuery? Query, ProblemHttpResult? Problem) Read(ReportRequest request, TimeSpan? longest = null)
    {
        var scope = ReadEnum<ReportScope>("scope", request.Scope) ?? ReportScope.Me;
        if (Refuse(scope) is { } refusal)
        {
            return (null, refusal);
        }

        var zone = ReadZone(request.Zone);
        var (from, to) = ReadTimes(request, zone, longest ?? Longest);
        var filter = FilterOf(scope) with
        {
            Orgs = ReadGuids("org", request.Org),
            Users = ReadGuids("user", request.User),
            Models = ReadTexts("model", request.Model),
            Providers = ReadTexts("provider", request.Provider),
            ServedModels = ReadTexts("servedModel", request.ServedModel),
            Operations = ReadEnums<UsageOperation>("operation", request.Operation),
            Outcomes = ReadEnums<UsageOutcome>("outcome", request.Outcome),
            Sources = ReadEnums<UsageSource>("source", request.Source),
            ConversationId = ReadGuid("conversation", request.Conversation),
            RequestId = ReadGuid("request", request.Request),
        };
        if (filter.Orgs.Count > 0 && scope != ReportScope.All)
        {
            Wrong("org", "Other organisations are seen with scope=all only, which is for operators.");
        }

        var asOf = ReadPin(request.AsOf);
        return _errors.Count > 0 ? (null, ReportProblems.Invalid(context, _errors)) : (new ReportQuery(from, to, zone.Id, filter, asOf), null);
    }

    /// <summary>What a report is grouped by: at most three things, one of them a time.</summary>
    public (IReadOnlyList<ReportKey>? Keys, ProblemHttpResult? Problem) ReadKeys(string[]? asked, IReadOnlyCollection<ReportKey> possible, int most)
    {
        List<ReportKey> keys = [];
        foreach (var text in asked ?? [])
        {
            if (ReadEnum("groupBy", text, possible) is { } key)
            {
                keys.Add(key);
            }
        }

        if (keys.Count > most || keys.Distinct().Count() < keys.Count || keys.Count(key => key <= ReportKey.Month) > 1)
        {
            Wrong("groupBy", most == 1 ? "Give one." : $"Give at most {most} different ones, and one time among them.");
        }

        return _errors.Count > 0 ? (null, ReportProblems.Invalid(context, _errors)) : (keys, null);
    }

    public (AsOf? AsOf, ProblemHttpResult? Problem) ReadPinOnly(string? asOf)
    {
        var pin = ReadPin(asOf);
        return _errors.Count > 0 ? (null, ReportProblems.Invalid(context, _errors)) : (pin, null);
    }

    /// <summary>All that the caller may see at all, where nobody asks for a scope.</summary>
    public ReportFilter FilterOfAll() =>
        FilterOf(IsKey || caller is { IsOperator: false, Role: not Role.Admin } ? ReportScope.Me : caller.IsOperator ? ReportScope.All : ReportScope.Organisation);

    // A key is for what its owner does.
    private bool IsKey => caller.ApiKeyId is not null;

    private ProblemHttpResult? Refuse(ReportScope scope) => scope switch
    {
        ReportScope.Organisation when IsKey || caller.Role != Role.Admin => AccountProblems.AdminOnly(context),
        ReportScope.All when IsKey || !caller.IsOperator => ReportProblems.OperatorOnly(context),
        _ => null,
    };

    private ReportFilter FilterOf(ReportScope scope) => scope switch
    {
        ReportScope.All => new ReportFilter(),
        ReportScope.Organisation => new ReportFilter { OrgId = caller.OrgId },
        _ => new ReportFilter { OrgId = caller.OrgId, UserId = caller.UserId },
    };

    private TimeZoneInfo ReadZone(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return TimeZoneInfo.Utc;
        }

        if (TimeZoneInfo.TryFindSystemTimeZoneById(text, out var zone) && zone.HasIanaId)
        {
            return zone;
        }

        Wrong("zone", "There is no such time zone. Give an IANA name, such as Europe/Berlin.");
        return TimeZoneInfo.Utc;
    }

    private (DateTimeOffset From, DateTimeOffset To) ReadTimes(ReportRequest request, TimeZoneInfo zone, TimeSpan longest)
    {
        var tomorrow = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(time.GetUtcNow(), zone).DateTime).AddDays(1);
        var to = ReadTime("to", request.To, zone) ?? StartOf(tomorrow, zone);
        var from = ReadTime("from", request.From, zone)
            ?? StartOf(DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(to, zone).DateTime).AddDays(-Math.Min(UsualDays, (int)longest.TotalDays)), zone);
        if (from >= to)
        {
            Wrong("from", "It has to be before to.");
        }
        else if (to - from > longest + TimeSpan.FromDays(1))
        {
            Wrong("from", $"A report of this kind is of at most {(int)longest.TotalDays} days: give a later from, or an earlier to.");
        }
        else if (from < Earliest || to.Year > 9998)
        {
            Wrong("from", "Give times from the year 2000 on.");
        }

        return (from, to);
    }

    private DateTimeOffset? ReadTime(string name, string? text, TimeZoneInfo zone)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day.Year is >= 2000 and < 9998)
        {
            return StartOf(day, zone);
        }

        if (PointInTime.TryParse(text, out var instant) && instant.Year is >= 2000 and < 9998)
        {
            return instant;
        }

        Wrong(name, "Give a day, such as 2026-11-01, or a time with its offset, such as 2026-11-01T00:00:00Z, from the year 2000 on; a + in an address is written %2B.");
        return null;
    }

    /// <summary>Where clocks go forward at midnight, a day begins after it; where they go back, at the first of both.</summary>
    private static DateTimeOffset StartOf(DateOnly day, TimeZoneInfo zone)
    {
        var local = day.ToDateTime(TimeOnly.MinValue);
        while (zone.IsInvalidTime(local))
        {
            local = local.AddMinutes(15);
        }

        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        return new DateTimeOffset(local, offset).ToUniversalTime();
    }

    private AsOf? ReadPin(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (AsOf.TryParse(text, CultureInfo.InvariantCulture, out var asOf))
        {
            return asOf;
        }

        Wrong("asOf", "Give the asOf of an earlier answer, such as 12@2026-11-23T19:13:45.123456Z.");
        return null;
    }

    private Guid? ReadGuid(string name, string? text) => string.IsNullOrEmpty(text) ? null : ReadGuids(name, [text]) is [var id] ? id : null;

    private List<Guid> ReadGuids(string name, string[]? texts)
    {
        List<Guid> ids = [];
        foreach (var text in texts ?? [])
        {
            if (Guid.TryParse(text, out var id))
            {
                ids.Add(id);
            }
            else
            {
                Wrong(name, "Give an id, such as 0195f000-0000-7000-8000-0000000000b2.");
            }
        }

        return ids;
    }

    private string[] ReadTexts(string name, string[]? texts)
    {
        if (texts?.Any(text => text.Contains('\0', StringComparison.Ordinal)) == true)
        {
            Wrong(name, "A name has no NUL character.");
        }

        return texts ?? [];
    }

    private List<TEnum> ReadEnums<TEnum>(string name, string[]? texts)
        where TEnum : struct, Enum =>
        [.. (texts ?? []).Select(text => ReadEnum<TEnum>(name, text)).OfType<TEnum>()];

    private TEnum? ReadEnum<TEnum>(string name, string? text, IReadOnlyCollection<TEnum>? possible = null)
        where TEnum : struct, Enum
    {
        possible ??= Enum.GetValues<TEnum>();
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (EnumNames.TryParse<TEnum>(text, out var value) && possible.Contains(value))
        {
            return value;
        }

        Wrong(name, $"Possible are {string.Join(", ", possible.Select(one => Camel(one.ToString())))}.");
        return null;
    }

    private void Wrong(string name, string what) => _errors[name] = _errors.TryGetValue(name, out var said) && !said.Contains(what) ? [.. said, what] : [what];

    private static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
