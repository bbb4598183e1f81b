namespace LlmAspire.AppHost.Stack;

/// <summary>Where PostgreSQL and the gateway run. Each has data of its own.</summary>
internal enum ServicesMode
{
    /// <summary>As processes of this machine.</summary>
    Embedded,

    /// <summary>In containers.</summary>
    Containers,
}
