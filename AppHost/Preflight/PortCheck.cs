using System.Net;
using System.Net.Sockets;
using LlmAspire.AppHost.LiteLlm;
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
    public static string? FindTaken(IDistributedApplicationBuilder builder)
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
        var taken = dashboard.Concat(resources).FirstOrDefault(one => one.Port != 0 && IsTaken(one.Port));

        return taken.Owner is null ? null
            : $"Port {taken.Port}, which {taken.Owner} needs, is taken by another program. "
                + $"Stop that program (is a second copy of this stack running?), or change the port in {taken.Remedy}.";
    }

    /// <summary>The file, from the root of the solution, in which the port of the resource stands.</summary>
    private static string FileOf(IResource resource, IDistributedApplicationBuilder builder) =>
        resource.Annotations.OfType<IProjectMetadata>().FirstOrDefault() is { } project
            ? Path.GetRelativePath(
                Path.GetFullPath("..", builder.AppHostDirectory),
                Path.Combine(Path.GetDirectoryName(project.ProjectPath)!, "Properties", "launchSettings.json")).Replace('\\', '/')
            : $"AppHost/LiteLlm/{nameof(LiteLlmResourceBuilderExtensions)}.cs";

    internal static bool IsTaken(int port) => IsTaken(IPAddress.Loopback, port) || IsTaken(IPAddress.IPv6Loopback, port);

    private static bool IsTaken(IPAddress address, int port)
    {
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && !Socket.OSSupportsIPv6)
        {
            return false;
        }

        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        // Windows lets a second program bind a port unless one of them asked for it alone. Elsewhere a bind says too little: macOS allows it for one address
        // while another program has the port on all of them. Who listens can be connected to.
        return OperatingSystem.IsWindows() ? !CanBindAlone(socket, address, port) : Answers(socket, address, port);
    }

    private static bool CanBindAlone(Socket socket, IPAddress address, int port)
    {
        try
        {
            socket.ExclusiveAddressUse = true;
            socket.Bind(new IPEndPoint(address, port));
            return true;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode == SocketError.AddressNotAvailable;
        }
    }

    /// <summary>A program whose queue of connections is full is there too: only a refusal says that nobody is.</summary>
    private static bool Answers(Socket socket, IPAddress address, int port)
    {
        try
        {
            return !socket.ConnectAsync(new IPEndPoint(address, port)).Wait(Patience) || socket.Connected;
        }
        catch (AggregateException exception) when (exception.InnerException is SocketException)
        {
            return false;
        }
    }
}
