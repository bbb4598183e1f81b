namespace LlmAspire.EmbeddedPostgres;

internal static class PostgresSupervisorExtensions
{
    private const string DefaultDataDirectory = ".data/postgres";

    /// <summary>Adds the server; its settings are the section <c>Postgres</c> of the configuration, and PGPORT.</summary>
    public static void AddPostgresSupervisor(this WebApplicationBuilder builder)
    {
        var given = builder.Configuration.GetSection(PostgresServerOptions.Section).Get<PostgresServerOptions>() ?? new PostgresServerOptions();
        builder.Services.AddSingleton(given with
        {
            DataDirectory = given.DataDirectory.Length != 0
                ? Path.GetFullPath(given.DataDirectory, builder.Environment.ContentRootPath)
                : Path.Combine(CloneOf(builder.Environment.ContentRootPath), DefaultDataDirectory),
            Port = given.Port != 0 ? given.Port : builder.Configuration.GetValue("PGPORT", 0),
        });
        builder.Services.AddSingleton<PostgresSupervisor>();
        builder.Services.AddHostedService(services => services.GetRequiredService<PostgresSupervisor>());
    }

    /// <summary>Maps <c>GET /health</c>: 200 when the server answers a query, else 503.</summary>
    public static void MapPostgresHealth(this WebApplication app) => app.MapGet("/health", HealthAsync);

    /// <summary>The nearest folder above with a solution; the content root itself where there is none.</summary>
    private static string CloneOf(string contentRoot)
    {
        for (var folder = new DirectoryInfo(contentRoot); folder is not null; folder = folder.Parent)
        {
            if (folder.EnumerateFiles("*.sln", new EnumerationOptions { IgnoreInaccessible = true }).Any())
            {
                return folder.FullName;
            }
        }

        return contentRoot;
    }

    private static async Task<IResult> HealthAsync(PostgresSupervisor supervisor, CancellationToken cancellationToken) =>
        await supervisor.AnswersAsync(cancellationToken)
            ? Results.Text("Healthy")
            : Results.Text("Unhealthy", statusCode: StatusCodes.Status503ServiceUnavailable);
}
