namespace LlmAspire.Api.Reports;

/// <summary>Whose calls a report is of.</summary>
internal enum ReportScope
{
    Me,
    Organisation,
    All,
}
