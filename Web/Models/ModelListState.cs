namespace LlmAspire.Web.Models;

/// <summary>How good <see cref="ModelDirectory.Models"/> is.</summary>
public enum ModelListState
{
    /// <summary>Not known yet.</summary>
    Loading,

    /// <summary>What the gateway offers.</summary>
    Live,

    /// <summary>What the gateway offered when it was last seen.</summary>
    Stale,

    /// <summary>The configured list: nobody could be asked yet.</summary>
    SafeMode,
}
