using LlmAspire.AppHost.LiteLlm;
using LlmAspire.EmbeddedPostgres;
using Microsoft.Extensions.Configuration;

namespace LlmAspire.AppHost.Preflight;

/// <summary>Finds a port of the stack that another program has: the orchestrator would only say that a resource did not start.</summary>
internal static class PortCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>The addresses that the dashboard and the orchestrator listen on, as the launch profile gives them.</summary>
    private static readonly string[] DashboardSettings =
        ["ASPNETCORE_URLS", "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL", "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"];

    /// <summary>The first port that is taken, and what to do; null when all are free.</summary>
    /// <remarks>Where all ports are chosen at random there is none to be taken.</remarks>
    public static async Task<string?> FindTakenAsync(IDistributedApplicationBuilder builder, CancellationToken cancellationToken)
    {
        if (builder.Configuration.GetValue<bool>("DcpPublisher:RandomizePorts"))
        {
            return null;
        }

        var dashboard = DashboardSettings
            .SelectMany(setting => builder.Configuration[setting]?.Split(';') ?? [])
            .Where(address => Uri.TryCreate(address, UriKind.Absolute, out _))
            .Select(address => (new Uri(address).Port, Owner: "the dashboard", Remedy: "AppHost/Properties/launchSettings.json"));
        var resources = builder.Resources.SelectMany(resource => resource.Annotations.OfType<EndpointAnnotation>()
            .Where(endpoint => endpoint.Port is not null)
            .Select(endpoint => (Port: endpoint.Port!.Value, Owner: $"'{resource.Name}'", Remedy: FileOf(resource, builder))));
        foreach (var (port, owner, remedy) in dashboard.Concat(resources).Where(one => one.Port != 0))
        {
            if (await IsTakenAsync(port, cancellationToken))
            {
                return $"Port {port}, which {owner} needs, is taken by another program. Stop that program (is a second copy of this stack running?), or change the port in {remedy}.";
            }
        }

        return null;
    }

    /// <summary>The file, from the root of the solution, in which the port of the resource stands.</summary>
    private static string FileOf(IResource resource, IDistributedApplicationBuilder builder) =>
        resource.Annotations.OfType<IProjectMetadata>().FirstOrDefault() is { } project
            ? Path.GetRelativePath(
                Path.GetFullPath("..", builder.AppHostDirectory),
                Path.Combine(Path.GetDirectoryName(project.ProjectPath)!, "Properties", "launchSettings.json")).Replace('\\', '/')
            : $"AppHost/LiteLlm/{nameof(LiteLlmResourceBuilderExtensions)}.cs";

    /// <summary>A program whose queue of connections is full does not answer, and has the port all the same.</summary>
    internal static async Task<bool> IsTakenAsync(int port, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            return await LoopbackPort.FindListenerAsync(port, patience.Token) is not null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return true;
        }
    }
}
