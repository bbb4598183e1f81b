using System.ComponentModel.DataAnnotations;

namespace LlmAspire.Api.Llm.Concurrency;

/// <summary>How much <see cref="ParallelRunner"/> runs at once: section <c>Parallel</c>. Each process counts for itself.</summary>
public sealed class ParallelLimits
{
    public const string Section = "Parallel";

    /// <summary>Items of one organisation.</summary>
    [Range(1, 100_000)]
    public int PerOrganisation { get; set; } = 16;

    /// <summary>Items that call one model, whoever asks for them.</summary>
    [Range(1, 100_000)]
    public int PerModel { get; set; } = 32;

    [Range(1, 100_000)]
    public int InAll { get; set; } = 128;
}
