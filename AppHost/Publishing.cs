using Aspire.Hosting.Docker.Resources;
using Aspire.Hosting.Docker.Resources.ServiceNodes;
using LlmAspire.AppHost.LiteLlm;

namespace LlmAspire.AppHost;

/// <summary>What a deployment has beyond a run. Compiled with Aspire itself only: its stand-in does not publish.</summary>
internal static partial class StackExtensions
{
    private const string SpoolVolume = "spool";

    static partial void ConfigurePublishing(IDistributedApplicationBuilder builder)
    {
        // Only web is shown to the world: the dashboard, with everybody's traces, is reached through a tunnel or docker exec.
        builder.AddDockerComposeEnvironment("compose")
            .WithDashboard(dashboard => dashboard.WithHostPort(null))
            .ConfigureComposeFile(file =>
            {
                file.AddVolume(new Volume { Name = SpoolVolume, Driver = "local" });
                WaitForHealthyServices(file);
            });

        // What the Api could not give to PostgreSQL has to outlive its container. One volume for each replica that is scheduled apart.
        foreach (var api in builder.Resources.OfType<ProjectResource>().Where(project => project.Name == "api").ToList())
        {
            builder.CreateResourceBuilder(api).PublishAsDockerComposeService((_, service) => service.AddVolume(new Volume
            {
                Name = SpoolVolume,
                Source = SpoolVolume,
                Target = SpoolExtensions.DeployedFolder,
                Type = "volume",
            }));
        }

        if (builder.ExecutionContext.IsPublishMode)
        {
            AskForFirstOperator(builder);
        }

        // The images that hold something to ask with have a health check: PostgreSQL its own tool, LiteLLM Python.
        foreach (var postgres in builder.Resources.OfType<PostgresServerResource>().ToList())
        {
            builder.CreateResourceBuilder(postgres).PublishAsDockerComposeService((_, service) =>
                service.Healthcheck = Check("pg_isready --username=postgres", startPeriod: TimeSpan.FromSeconds(30)));
        }

        foreach (var liteLlm in builder.Resources.OfType<LiteLlmResource>().ToList())
        {
            builder.CreateResourceBuilder(liteLlm).PublishAsDockerComposeService((_, service) =>
                service.Healthcheck = Check(
                    $"python3 -c \"import urllib.request as r; r.urlopen('http://localhost:4000{LiteLlmResourceBuilderExtensions.HealthPath}')\"",
                    LiteLlmResourceBuilderExtensions.StartupGrace));
        }
    }

    /// <summary>Who runs a new installation: an account that <c>api</c> makes at its first start. Left empty, nobody does.</summary>
    private static void AskForFirstOperator(IDistributedApplicationBuilder builder)
    {
        var email = builder.AddParameter("operator-email");
        var password = builder.AddParameter("operator-password", secret: true);
        foreach (var api in builder.Resources.OfType<ProjectResource>().Where(project => project.Name == "api").ToList())
        {
            builder.CreateResourceBuilder(api)
                .WithEnvironment("Identity__Operator__Email", email)
                .WithEnvironment("Identity__Operator__Password", password);
        }
    }

    /// <summary>Aspire lets a service start when what it depends on is started; where that has a health check, wait for it.</summary>
    private static void WaitForHealthyServices(ComposeFile file)
    {
        foreach (var (name, dependency) in file.Services.Values.SelectMany(service => service.DependsOn))
        {
            if (file.Services.TryGetValue(name, out var service) && service.Healthcheck is not null)
            {
                dependency.Condition = "service_healthy";
            }
        }
    }

    private static Healthcheck Check(string command, TimeSpan startPeriod) => new()
    {
        Test = ["CMD-SHELL", command],
        Interval = "10s",
        Timeout = "5s",
        Retries = 5,
        StartPeriod = $"{startPeriod.TotalSeconds:0}s",
    };
}
