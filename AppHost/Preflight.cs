using System.Net;
using System.Net.Sockets;
using LlmAspire.AppHost.LiteLlm;
using Microsoft.Extensions.Configuration;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LlmAspire.AppHost;

/// <summary>Finds what would stop the stack before a process is started, while one clear message can still be given.</summary>
internal static class Preflight
{
    /// <summary>The first obstacle, with its remedy; null when there is none.</summary>
    public static string? FindObstacle(IDistributedApplicationBuilder builder) =>
        FindConfigError(LiteLlmResourceBuilderExtensions.ConfigPath(builder))
        ?? (builder.ExecutionContext.IsRunMode ? FindTakenPort(builder) : null);

    private static string? FindConfigError(string path)
    {
        try
        {
            using var reader = File.OpenText(path);
            new YamlStream().Load(reader);
            return null;
        }
        catch (IOException exception)
        {
            return $"The gateway's configuration cannot be read: {exception.Message} Correct Stack:GatewayConfig, or restore the file with: git checkout litellm/config.yaml";
        }
        catch (YamlException exception)
        {
            return $"{path}, line {exception.Start.Line}: {exception.Message} Correct that line, then start again.";
        }
    }

    /// <remarks>Under test all ports are chosen at random: there is none to be taken.</remarks>
    private static string? FindTakenPort(IDistributedApplicationBuilder builder)
    {
        if (builder.Configuration.GetValue<bool>("DcpPublisher:RandomizePorts"))
        {
            return null;
        }

        foreach (var resource in builder.Resources)
        {
            foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
            {
                if (endpoint.Port is { } port && IsTaken(port))
                {
                    return $"Port {port}, which '{resource.Name}' needs, is taken by another program. "
                        + $"Stop that program (is a second copy of this stack running?), or change the port in the launchSettings.json of '{resource.Name}'.";
                }
            }
        }

        return null;
    }

    private static bool IsTaken(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // As Kestrel binds: a connection of the previous run in TIME_WAIT does not count.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return false;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return true;
        }
    }
}
