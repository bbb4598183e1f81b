using System.Diagnostics;
using System.Globalization;

namespace LlmAspire.KillTest.Stack;

/// <summary>Signals by name: their numbers differ between systems.</summary>
internal static class Signals
{
    /// <exception cref="KillTestException">There is no such process, or it may not be signalled.</exception>
    public static async Task SendAsync(string signal, int processId)
    {
        using var kill = Process.Start("kill", [$"-{signal}", processId.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        if (kill.ExitCode != 0)
        {
            throw new KillTestException($"SIG{signal} could not be sent to process {processId}.");
        }
    }
}
