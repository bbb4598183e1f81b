using System.ComponentModel;
using System.Diagnostics;

namespace LlmAspire.AppHost.Stack;

/// <summary>Whether this machine can run the stack's containers. That a client is installed is not enough.</summary>
/// <param name="Name">The runtime that answers; null when none can be used.</param>
/// <param name="Problem">Why none can be used, as a clause; empty when one can.</param>
/// <param name="Remedy">What makes one usable, as a sentence without its end; empty when one is.</param>
internal sealed record ContainerRuntime(string? Name, string Problem, string Remedy)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Asks Docker and Podman, or the one that Aspire is told to use.</summary>
    public static ContainerRuntime Find()
    {
        var chosen = Environment.GetEnvironmentVariable("ASPIRE_CONTAINER_RUNTIME")
            ?? Environment.GetEnvironmentVariable("DOTNET_ASPIRE_CONTAINER_RUNTIME");
        string[] candidates = string.IsNullOrWhiteSpace(chosen) ? ["docker", "podman"] : [chosen];
        ContainerRuntime? unusable = null;
        foreach (var candidate in candidates)
        {
            var asked = Ask(candidate);
            if (asked?.Name is not null)
            {
                return asked;
            }

            unusable ??= asked;
        }

        return unusable ?? new ContainerRuntime(null, $"{string.Join(" or ", candidates)} is not installed", "Install Docker or Podman");
    }

    /// <summary>Null when it is not installed.</summary>
    private static ContainerRuntime? Ask(string runtime)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(runtime, ["info"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEndAsync();
            _ = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(Patience))
            {
                process.Kill();
                return Silent(runtime);
            }

            // Docker on Windows serves one kind of container at a time, and says which: "OSType: windows".
            return process.ExitCode != 0 ? Silent(runtime)
                : output.Result.Contains("OSType: windows", StringComparison.Ordinal)
                    ? new ContainerRuntime(null, $"{runtime} runs Windows containers, and the images are for Linux", "Switch Docker to Linux containers")
                    : new ContainerRuntime(runtime, "", "");
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    private static ContainerRuntime Silent(string runtime) => new(null, $"the daemon of {runtime} does not answer", $"Start {runtime}");
}
