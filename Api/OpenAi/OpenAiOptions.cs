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

    /// <summary>
    /// The pages whose scripts may call <c>/v1</c> from a browser, as exact origins: <c>https://app.example.com</c>. None by default. A key in a page is
    /// everybody's who can open the page, so there is no word for all origins.
    /// </summary>
    public IList<string> AllowedOrigins { get; init; } = [];

    public const string WhatOriginIsPossible =
        "OpenAi:AllowedOrigins takes exact origins as browsers send them: scheme, host and, unless it is the usual one, port, in small letters, such as "
        + "https://app.example.com or http://localhost:5173; no path, no slash at the end, and no *.";

    /// <summary>Whether each origin is one that a browser can send.</summary>
    public bool AreOriginsPossible => AllowedOrigins.All(origin => origin.All(char.IsAscii) && !origin.Contains('*', StringComparison.Ordinal)
        && Uri.TryCreate(origin, UriKind.Absolute, out var address) && address.Host.Length > 0 && address.UserInfo.Length == 0 && address.GetLeftPart(UriPartial.Authority) == origin);
}
