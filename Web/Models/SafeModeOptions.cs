using System.ComponentModel.DataAnnotations;

namespace LlmAspire.Web.Models;

/// <summary>Configuration section <c>SafeMode</c>: what can be chosen while the Api cannot tell which models there are.</summary>
public sealed class SafeModeOptions
{
    public const string Section = "SafeMode";

    [MinLength(1, ErrorMessage = "SafeMode:Models must name at least one model, for the time when the Api cannot be asked.")]
    public IList<ModelInfo> Models { get; } = [];
}
