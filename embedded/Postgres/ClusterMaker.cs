namespace LlmAspire.EmbeddedPostgres;

/// <summary>Makes a cluster with initdb.</summary>
internal static class ClusterMaker
{
    /// <summary>The settings that <see cref="PostgresServer"/> writes at each start; postgresql.conf includes them.</summary>
    public const string SettingsFile = "llmaspire.conf";

    /// <summary>Makes the cluster beside its place, then moves it: one that was interrupted is never taken for complete.</summary>
    /// <exception cref="PostgresSetupException">When initdb fails; the message holds what it said.</exception>
    public static async Task MakeAsync(
        ClusterFolder folder, PostgresServerOptions options, CommandRunner runner, PostgresBinaries binaries, ServerGuard guard, CancellationToken cancellationToken)
    {
        await folder.MakeUnfinishedAsync(runner, cancellationToken);
        await WritePasswordFileAsync(folder, options.Password, runner, cancellationToken);
        try
        {
            string[] arguments =
            [
                "--pgdata", folder.Unfinished, "--username", PostgresServer.Superuser, "--pwfile", folder.PasswordFile, "--auth", "scram-sha-256",
                "--encoding", "UTF8", .. options.Durable && !options.Throwaway ? (string[])[] : ["--no-sync"],
            ];

            // Code point order everywhere. Versions from 17 bring C.UTF-8 themselves; before, the system has it or not.
            string[][] locales = binaries.Major >= 17
                ? [["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]]
                : [["--locale", "C.UTF-8"], ["--locale", "C"]];
            CommandResult made = new(0, "");
            foreach (var locale in locales)
            {
                made = await RunAsync(guard, binaries.InitDb, [.. arguments, .. locale], cancellationToken);
                if (made.ExitCode == 0)
                {
                    break;
                }
            }

            if (made.ExitCode != 0)
            {
                throw new PostgresSetupException($"initdb could not make the cluster '{folder.Path}'. It said:{Environment.NewLine}{made.Output.Trim()}");
            }
        }
        finally
        {
            File.Delete(folder.PasswordFile);
        }

        await File.AppendAllTextAsync(Path.Combine(folder.Unfinished, "postgresql.conf"), $"\ninclude '{SettingsFile}'\n", cancellationToken);
        folder.TakeUnfinished();
    }

    private static async Task<CommandResult> RunAsync(ServerGuard guard, string command, string[] arguments, CancellationToken cancellationToken)
    {
        using var process = await guard.LaunchAsync(command, arguments);
        try
        {
            return await CommandRunner.CompleteAsync(process, cancellationToken);
        }
        finally
        {
            await guard.LaunchEndedAsync();
        }
    }

    /// <summary>Writes it with mode 0600, beside the cluster: the user that PostgreSQL runs as reaches that place, whatever TMPDIR is.</summary>
    private static async Task WritePasswordFileAsync(ClusterFolder folder, string password, CommandRunner runner, CancellationToken cancellationToken)
    {
        // Left by an owner that was killed.
        File.Delete(folder.PasswordFile);
        var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using (var writer = new StreamWriter(folder.PasswordFile, create))
        {
            await writer.WriteLineAsync(password.AsMemory(), cancellationToken);
        }

        if (runner.User is { } user)
        {
            await new CommandRunner(null).RunAsync("chown", [user.Name, folder.PasswordFile], cancellationToken: cancellationToken);
        }
    }
}
