using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// All reports of usage that a call had: repeated, growing, or split between the first and the last chunk. They are merged class by class, the greatest of each: numbers of one
/// call only grow. Not thread-safe.
/// </summary>
internal sealed class UsageReports
{
    /// <summary>Of a provider that reports with every chunk the first ones are kept, and the last.</summary>
    private const int MostKept = 16;

    private readonly List<UsageReport> _reports = [];

    /// <summary>The latest total that says where the classes are, for those that were there.</summary>
    private Outside? _placement;

    private UsageReport? _merged;

    /// <summary>How many came that were not equal to the one before.</summary>
    public int Count { get; private set; }

    /// <summary>The only report; null when there was none, or several that differ.</summary>
    public UsageReport? Only => Count == 1 ? _reports[0] : null;

    /// <summary>Null when none came.</summary>
    public ProviderUsage? Usage => _merged is null ? null : Resolve(_merged);

    /// <summary>The report as it came; an array of them when they differ.</summary>
    public JsonElement? Raw => _reports switch
    {
        [] => null,
        [var only] => only.Raw,
        _ => JsonSerializer.SerializeToElement(_reports.Select(report => report.Raw)),
    };

    public void Add(UsageReport report)
    {
        if (_reports.Count > 0 && JsonMarshal.GetRawUtf8Value(_reports[^1].Raw).SequenceEqual(JsonMarshal.GetRawUtf8Value(report.Raw)))
        {
            return;
        }

        Count++;
        if (_reports.Count == MostKept)
        {
            _reports[^1] = report;
        }
        else
        {
            _reports.Add(report);
        }

        if (report.PlacementByTotal() is { } placement && (report.CacheRead ?? 0) + (report.CacheWrite ?? 0) + (report.Reasoning ?? 0) > 0)
        {
            _placement = placement;
        }

        _merged = _merged?.Merge(report) ?? report;
    }

    public void Add(UsageReports later) => later._reports.ForEach(Add);

    private ProviderUsage Resolve(UsageReport merged)
    {
        var (prompt, completion) = (merged.Prompt ?? 0, merged.Completion ?? 0);
        var outside = _placement ?? (merged.HasAnthropicNames ? Outside.CacheRead | Outside.CacheWrite : Outside.None);
        if (!UsagePlacement.IsPossible(outside | Outside.Reasoning, prompt, completion, merged.CacheRead, merged.CacheWrite, merged.Reasoning))
        {
            outside |= Outside.CacheRead | Outside.CacheWrite;
        }

        if (merged.Reasoning > completion)
        {
            outside |= Outside.Reasoning;
        }

        return new ProviderUsage(
            merged.Prompt + UsagePlacement.CacheAdded(outside, merged.CacheRead, merged.CacheWrite),
            merged.Completion + (outside.HasFlag(Outside.Reasoning) ? merged.Reasoning ?? 0 : 0),
            merged.CacheRead,
            merged.CacheWrite,
            merged.CacheWrite1h,
            merged.Reasoning,
            merged.AudioPrompt,
            merged.AudioCompletion);
    }
}
