using System.Net;
using System.Net.Sockets;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>TCP ports of this machine that nobody listens on.</summary>
internal static class LoopbackPort
{
    private static readonly IPAddress[] Addresses = Socket.OSSupportsIPv6 ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : [IPAddress.Loopback];

    /// <summary>A port of 127.0.0.1 that is free now.</summary>
    public static int Find()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The listener that has <paramref name="port"/>; null when it is free on 127.0.0.1 and ::1, which a client may take for the same.</summary>
    public static async Task<IPEndPoint?> FindListenerAsync(int port, CancellationToken cancellationToken)
    {
        foreach (var address in Addresses)
        {
            if (await AnswersAsync(address, port, cancellationToken) || !CanBind(address, port))
            {
                return new IPEndPoint(address, port);
            }
        }

        return null;
    }

    /// <summary>
    /// Finds what a bind does not: macOS lets one address be bound beside a listener on all of them. Windows is not asked:
    /// there the exclusive bind says it, and a refused connection takes two seconds.
    /// </summary>
    private static async Task<bool> AnswersAsync(IPAddress address, int port, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }

        using var client = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await client.ConnectAsync(address, port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static bool CanBind(IPAddress address, int port)
    {
        using var listener = new TcpListener(address, port);
        try
        {
            if (OperatingSystem.IsWindows())
            {
                // Else it lets a port be bound that another process listens on. Elsewhere it would refuse the port of a
                // server that has just stopped.
                listener.ExclusiveAddressUse = true;
            }

            listener.Start();
            return true;
        }
        catch (SocketException exception)
        {
            // Without IPv6 there is nobody on its address.
            return exception.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported;
        }
    }
}
