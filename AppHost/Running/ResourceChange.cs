namespace LlmAspire.AppHost.Running;

/// <summary>What a person is told of a resource.</summary>
internal enum ResourceChange
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It can work now.</summary>
    Ready,

    /// <summary>It ended by itself, or could not be started.</summary>
    Failed,

    /// <summary>It was ready; it still runs, and is not healthy any more.</summary>
    Unhealthy,

    /// <summary>It was ready, and was stopped.</summary>
    Stopped,
}
