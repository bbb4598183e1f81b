using System.ComponentModel.DataAnnotations;
using LlmAspire.Usage;

namespace LlmAspire.Api.Reports;

/// <summary>Section <c>Reports</c>.</summary>
public sealed class ReportOptions : IValidatableObject
{
    public const string Section = "Reports";

    private const string TraceId = "{traceId}";

    /// <summary>Where a trace is shown, with <c>{traceId}</c> in it; null when nowhere.</summary>
    public string? TraceUrlTemplate { get; set; }

    /// <summary>Reports that are made for one person at a time.</summary>
    public int AtOnce { get; set; } = 2;

    /// <summary>Reports of one person that may wait for their turn.</summary>
    public int Waiting { get; set; } = 20;

    /// <summary>Reports that this process makes at a time: less than there are connections for reading.</summary>
    public int AtOnceOfAll { get; set; } = 4;

    public string? TraceUrlOf(string? traceId) =>
        string.IsNullOrEmpty(TraceUrlTemplate) || traceId is null ? null : TraceUrlTemplate.Replace(TraceId, traceId, StringComparison.Ordinal);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (AtOnce < 1 || Waiting < 0 || AtOnceOfAll < 1 || AtOnceOfAll >= ConnectionPool.ReadingSize)
        {
            yield return new ValidationResult(
                $"{Section}:AtOnce must be at least 1, {Section}:Waiting must not be negative, and {Section}:AtOnceOfAll must be from 1 to {ConnectionPool.ReadingSize - 1}.");
        }

        if (!string.IsNullOrEmpty(TraceUrlTemplate)
            && !(TraceUrlTemplate.Contains(TraceId, StringComparison.Ordinal)
                && Uri.TryCreate(TraceUrlOf("0"), UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
        {
            yield return new ValidationResult($"{Section}:TraceUrlTemplate must be an http or https URL with {TraceId} in it.");
        }
    }
}
