namespace LlmAspire.AppHost;

/// <summary>A real PostgreSQL server as a process of this machine, for a machine without containers.</summary>
internal static class EmbeddedPostgresExtensions
{
    /// <summary>
    /// Adds a server with a private cluster in the data folder of the stack, and the connection string of one database.
    /// Its password is generated once and kept in user secrets.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The name of the server.</param>
    /// <param name="database">The name of the database, and of the connection string.</param>
    public static IResourceBuilder<ConnectionStringResource> AddEmbeddedPostgres(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        [ResourceName] string database)
    {
        var password = builder.AddParameter(
            $"{name}-password",
            new GenerateParameterDefault { MinLength = 22, Special = false },
            secret: true,
            persist: true);
        var server = builder.AddProject<Projects.EmbeddedPostgres>(name)
            .WithEndpoint(scheme: "tcp", name: "tcp", env: "Postgres__Port")
            .WithEnvironment("Postgres__Password", password)
            .WithEnvironment("Postgres__DataDirectory", Path.Combine(builder.DataDirectory(), "postgres"))
            .WithEnvironment("Postgres__Databases", database)
            .WithHttpHealthCheck("/health")
            .WithUrlForEndpoint("http", url => url.DisplayText = "Health");
        var endpoint = server.GetEndpoint("tcp");

        return builder
            .AddConnectionString(database, ReferenceExpression.Create(
                $"Host={endpoint.Property(EndpointProperty.Host)};Port={endpoint.Property(EndpointProperty.Port)};Username=postgres;Password={password};Database={database}"))
            .WaitFor(server);
    }

    /// <summary>Where this stack keeps its data: <c>Stack:DataDirectory</c>, or <c>.data</c> beside the solution.</summary>
    internal static string DataDirectory(this IDistributedApplicationBuilder builder) =>
        Path.GetFullPath(builder.Configuration["Stack:DataDirectory"] ?? Path.Combine("..", ".data"), builder.AppHostDirectory);
}
