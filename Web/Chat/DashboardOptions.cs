namespace LlmAspire.Web.Chat;

/// <summary>Configuration section <c>Dashboard</c>: where traces can be looked at.</summary>
public sealed class DashboardOptions
{
    public const string Section = "Dashboard";

    /// <summary>The Aspire dashboard; without it trace ids are shown, not linked.</summary>
    public Uri? Url { get; set; }

    public string? TraceUrl(string traceId) => Url is null ? null : $"{Url.ToString().TrimEnd('/')}/traces/detail/{traceId}";
}
