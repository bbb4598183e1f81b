using LlmAspire.AppHost.Services;
using LlmAspire.AppHost.Stack;

namespace LlmAspire.AppHost.Postgres;

/// <summary>The server of the ledger, in a container or as a process of this machine.</summary>
internal static class PostgresExtensions
{
    /// <summary>
    /// Pinned, and before the volume: the default moves with Aspire, and a server does not read the files of another major version
    /// (https://github.com/microsoft/aspire/issues/17907).
    /// </summary>
    private const string ImageTag = "18.3";

    /// <summary>The first start may have to fetch the server with npm, and makes the cluster. What cannot work ends by itself.</summary>
    private static readonly TimeSpan EmbeddedStartPatience = TimeSpan.FromMinutes(5);

    private const string ServerIcon = "DatabaseLightning";
    private const string DatabaseIcon = "Database";

    /// <summary>Adds a server in a container, whose data is on a volume, and one database.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The name of the server.</param>
    /// <param name="database">The name of the database, and of the connection string.</param>
    public static IResourceBuilder<PostgresDatabaseResource> AddPostgresContainer(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        [ResourceName] string database)
        => builder.AddPostgres(name, password: builder.AddPassword(name))
            .WithImageTag(ImageTag)
            .WithDataVolume()
            .WithIconName(ServerIcon)
            .AddDatabase(database)
            .WithIconName(DatabaseIcon);

    /// <summary>
    /// Adds a real PostgreSQL server for a machine without containers, with a private cluster in the data folder of the stack, and the connection
    /// string of one database.
    /// </summary>
    /// <inheritdoc cref="AddPostgresContainer" path="/param"/>
    public static IResourceBuilder<ConnectionStringResource> AddEmbeddedPostgres(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        [ResourceName] string database,
        StackChoice stack)
    {
        var password = builder.AddPassword(name);
        var server = builder.AddService<Projects.EmbeddedPostgres>(name)
            .WithAnnotation(new StartPatienceAnnotation(EmbeddedStartPatience))
            .WithIconName(ServerIcon)
            .WithEndpoint(scheme: "tcp", name: "tcp", env: "Postgres__Port")
            .WithUrlForEndpoint("tcp", url => url.DisplayLocation = UrlDisplayLocation.DetailsOnly)
            .WithEnvironment("Postgres__Password", password)
            .WithEnvironment("Postgres__DataDirectory", Path.Combine(stack.DataDirectory, "postgres"))
            .WithEnvironment("Postgres__Databases", database)
            .WithUrlForEndpoint("http", url => (url.DisplayText, url.Url) = ("Health", "/health"));
        var endpoint = server.GetEndpoint("tcp");

        return builder
            .AddConnectionString(database, ReferenceExpression.Create(
                $"Host={endpoint.Property(EndpointProperty.Host)};Port={endpoint.Property(EndpointProperty.Port)};Username=postgres;Password={password};Database={database}"))
            .WithIconName(DatabaseIcon)
            .WithParentRelationship(server)
            .WaitFor(server);
    }

    private static IResourceBuilder<ParameterResource> AddPassword(this IDistributedApplicationBuilder builder, string server) => builder
        .AddParameter($"{server}-password", new GenerateParameterDefault { MinLength = 22, Special = false }, secret: true, persist: true)
        .WithDescription("Of the superuser `postgres`. Generated once and kept in user secrets.", enableMarkdown: true);
}
