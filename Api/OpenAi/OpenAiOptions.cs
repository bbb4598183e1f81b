using System.ComponentModel.DataAnnotations;

namespace LlmAspire.Api.OpenAi;

/// <summary>Section <c>OpenAi</c>: the limits of the endpoints under <c>/v1</c>.</summary>
public sealed class OpenAiOptions
{
    public const string Section = "OpenAi";

    /// <summary>The most that a request may have. More than elsewhere: pictures come inside it.</summary>
    [Range(1, 1024L * 1024 * 1024)]
    public long MaxBodyBytes { get; set; } = 20 * 1024 * 1024;

    /// <summary>
    /// How often a stream looks whether it has said anything, and says so in a comment if not. For so long a stream that has not begun may still
    /// fail with a status. Shorter than half of what proxies wait.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:05:00")]
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(10);
}
