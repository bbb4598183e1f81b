using System.ComponentModel.DataAnnotations;

namespace LlmAspire.Api.Reports;

/// <summary>Section <c>Reports</c>.</summary>
public sealed class ReportOptions : IValidatableObject
{
    public const string Section = "Reports";

    private const string TraceId = "{traceId}";

    /// <summary>Where a trace is shown, with <c>{traceId}</c> in it; null when nowhere.</summary>
    public string? TraceUrlTemplate { get; set; }

    public string? TraceUrlOf(string? traceId) =>
        string.IsNullOrEmpty(TraceUrlTemplate) || traceId is null ? null : TraceUrlTemplate.Replace(TraceId, traceId, StringComparison.Ordinal);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!string.IsNullOrEmpty(TraceUrlTemplate)
            && !(TraceUrlTemplate.Contains(TraceId, StringComparison.Ordinal)
                && Uri.TryCreate(TraceUrlOf("0"), UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
        {
            yield return new ValidationResult($"{Section}:TraceUrlTemplate must be an http or https URL with {TraceId} in it.");
        }
    }
}
