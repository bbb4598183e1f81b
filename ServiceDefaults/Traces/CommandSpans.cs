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

    public override void OnEnd(Activity data)
    {
        if (data.Recorded && data.Source.Name == Source && data.GetTagItem("db.query.text") is string sql)
        {
            var summary = SqlSummary.Of(sql);
            data.DisplayName = summary;
            data.SetTag("db.query.summary", summary);
        }
    }
}
