using System.Globalization;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>The user that PostgreSQL runs as when this process is root, which PostgreSQL refuses to be.</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Prefix">The command line that runs what follows it as that user.</param>
internal sealed record UnprivilegedUser(string Name, IReadOnlyList<string> Prefix)
{
    /// <summary>Null when this process is not root.</summary>
    /// <exception cref="PostgresSetupException">When there is no way to leave root.</exception>
    public static async Task<UnprivilegedUser?> FindAsync(CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess)
        {
            return null;
        }

        var asRoot = new CommandRunner(null);
        foreach (var name in (string[])["postgres", "nobody"])
        {
            if (await IdAsync(asRoot, "-u", name, cancellationToken) is not { } uid || await IdAsync(asRoot, "-g", name, cancellationToken) is not { } gid)
            {
                continue;
            }

            IReadOnlyList<string>[] prefixes =
            [
                ["setpriv", $"--reuid={uid}", $"--regid={gid}", "--init-groups", "--"],
                ["runuser", "-u", name, "--"],
                ["su", "-s", "/bin/sh", "-c", "exec \"$@\"", name, "--", "sh"],
            ];
            foreach (var prefix in prefixes)
            {
                var user = new UnprivilegedUser(name, prefix);
                if (await new CommandRunner(user).SucceedsAsync("true", [], cancellationToken))
                {
                    return user;
                }
            }
        }

        throw new PostgresSetupException(
            "PostgreSQL refuses to run as root, and no other user can be taken here (tried setpriv, runuser and su for 'postgres' and 'nobody'). "
            + "Run this as another user.");
    }

    private static async Task<int?> IdAsync(CommandRunner runner, string option, string name, CancellationToken cancellationToken)
    {
        var id = await runner.RunAsync("id", [option, name], cancellationToken: cancellationToken);
        return id.ExitCode == 0 && int.TryParse(id.Output.Trim(), CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
