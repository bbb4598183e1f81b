namespace LlmAspire.Web.Layout;

/// <summary>The connection of a page to its server: section <c>PageConnection</c>.</summary>
public sealed class PageConnectionOptions
{
    public const string Section = "PageConnection";

    /// <summary>
    /// For how long a page may hear nothing before its connection counts as lost, and is made anew. The server says something every second; a server that is often busy for longer needs more.
    /// </summary>
    public TimeSpan Silence { get; set; } = TimeSpan.FromSeconds(2.8);

    internal const string WhatIsPossible = $"{Section}:{nameof(Silence)} must be from 2 seconds to 5 minutes.";

    internal bool IsPossible => Silence >= TimeSpan.FromSeconds(2) && Silence <= TimeSpan.FromMinutes(5);
}
