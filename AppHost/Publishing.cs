using Aspire.Hosting.Docker.Resources.ServiceNodes;
using LlmAspire.AppHost.LiteLlm;

namespace LlmAspire.AppHost;

/// <summary>What a deployment has beyond a run. Compiled with Aspire itself only: its stand-in does not publish.</summary>
internal static partial class StackExtensions
{
    static partial void ConfigurePublishing(IDistributedApplicationBuilder builder)
    {
        builder.AddDockerComposeEnvironment("compose");

        // Compose starts what depends on a service as soon as the service is started. With a health check it can wait longer;
        // only images that hold something to ask with have one: PostgreSQL its own tool, LiteLLM Python.
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

    private static Healthcheck Check(string command, TimeSpan startPeriod) => new()
    {
        Test = ["CMD-SHELL", command],
        Interval = "10s",
        Timeout = "5s",
        Retries = 5,
        StartPeriod = $"{startPeriod.TotalSeconds:0}s",
    };
}
