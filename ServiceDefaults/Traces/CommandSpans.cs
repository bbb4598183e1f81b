using System.Collections.Concurrent;
using System.Diagnostics;
using OpenTelemetry;

namespace LlmAspire.ServiceDefaults.Traces;

/// <summary>
/// Names the spans of database commands by what they do, such as <c>INSERT open_call</c>. Npgsql calls all of them by the name of the system. Here and
/// not in the options of a data source, as a service has several, some of them made by a library.
/// </summary>
internal sealed class CommandSpans : BaseProcessor<Activity>
{
    private const string Source = "Npgsql";

    /// <summary>The statements of a service are few and constant; should one make them up, those beyond this many are read each time.</summary>
    private const int MostKept = 1000;

    private readonly ConcurrentDictionary<string, string> _summaries = new();

    public override void OnEnd(Activity data)
    {
        if (data.Recorded && data.Source.Name == Source && data.GetTagItem("db.query.text") is string sql)
        {
            var summary = Summarize(sql);
            data.DisplayName = summary;
            data.SetTag("db.query.summary", summary);
        }
    }

    private string Summarize(string sql) =>
        _summaries.TryGetValue(sql, out var kept) ? kept
        : _summaries.Count < MostKept ? _summaries.GetOrAdd(sql, SqlSummary.Of)
        : SqlSummary.Of(sql);
}
