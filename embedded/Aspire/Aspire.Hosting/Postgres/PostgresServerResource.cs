namespace Aspire.Hosting.ApplicationModel;

/// <summary>A PostgreSQL server in a container.</summary>
public class PostgresServerResource : ContainerResource
{
    internal PostgresServerResource(string name)
        : base(name)
    {
    }
}

/// <summary>A database of a PostgreSQL server.</summary>
public class PostgresDatabaseResource : Resource, IResourceWithConnectionString
{
    internal PostgresDatabaseResource(string name)
        : base(name)
    {
    }

    /// <inheritdoc/>
    public ReferenceExpression ConnectionStringExpression =>
        throw new DistributedApplicationException($"'{Name}' is in a container, and this stand-in of Aspire runs none.");
}
