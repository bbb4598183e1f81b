namespace Aspire.Hosting;

/// <summary>What the application is doing. This one only runs.</summary>
public class DistributedApplicationExecutionContext
{
    internal DistributedApplicationExecutionContext()
    {
    }

    /// <summary>Whether it is being published.</summary>
    public bool IsPublishMode { get; }

    /// <summary>Whether it runs.</summary>
    public bool IsRunMode => !IsPublishMode;
}
