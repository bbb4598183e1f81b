using System.Net;
using System.Net.Sockets;

namespace LlmAspire.KillTest.Stack;

/// <summary>
/// Ports that stay free while the service on them is down: below those that the system gives to outgoing connections (on Linux from 32768 on).
/// </summary>
internal sealed class Ports
{
    private const int Lowest = 20_000;
    private const int Highest = 32_000;

    private readonly HashSet<int> _taken = [];

    public int Next()
    {
        while (true)
        {
            // Not from the seed: two runs with the same one would meet.
            var port = Random.Shared.Next(Lowest, Highest);
            if (_taken.Add(port) && IsFree(port))
            {
                return port;
            }
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
