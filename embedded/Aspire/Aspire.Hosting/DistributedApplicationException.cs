namespace Aspire.Hosting;

/// <summary>The application cannot be described or run as asked.</summary>
public class DistributedApplicationException : Exception
{
    /// <summary>Makes one.</summary>
    public DistributedApplicationException()
    {
    }

    /// <summary>Makes one.</summary>
    public DistributedApplicationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one.</summary>
    public DistributedApplicationException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
