using System.ComponentModel.DataAnnotations;
using LlmAspire.Api.Identity;

namespace LlmAspire.Api.Tools;

/// <summary>Section <c>Tools</c>.</summary>
public sealed class ToolOptions : IValidatableObject
{
    public const string Section = "Tools";

    /// <summary>How often a model may call tools for one answer; after that it has to answer with what it knows.</summary>
    [Range(1, 50)]
    public int MaxRounds { get; set; } = 8;

    /// <summary>UTF-16 code units of the arguments of one call, as JSON; more are refused.</summary>
    [Range(1, 1_000_000)]
    public int MaxArgumentCharacters { get; set; } = 20_000;

    /// <summary>UTF-16 code units of what a tool tells a model; the rest is cut off.</summary>
    [Range(1, 1_000_000)]
    public int MaxResultCharacters { get; set; } = 20_000;

    /// <summary>Of one call, unless the tool has its own.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>By the names of tools.</summary>
    public Dictionary<string, ToolSettings> Settings { get; set; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Settings.Values.Select(tool => tool.Timeout).Append(Timeout).Any(timeout => timeout <= TimeSpan.Zero || timeout > TimeSpan.FromHours(1)))
        {
            yield return new ValidationResult($"{Section}:Timeout, and that of each tool, must be greater than 0 and at most an hour.");
        }
    }
}

/// <summary>What the installation says of one tool.</summary>
public sealed class ToolSettings
{
    public bool Enabled { get; set; } = true;

    /// <summary>The lowest plan that has it; null for what the tool says itself.</summary>
    public Plan? RequiredPlan { get; set; }

    /// <summary>Of one call; null for <see cref="ToolOptions.Timeout"/>.</summary>
    public TimeSpan? Timeout { get; set; }
}
